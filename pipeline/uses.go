package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
)

// usesFormat is the version of Use's JSON. One of a newer format is not judged.
const usesFormat = 1

// Directions of a Use.
const (
	UsePublish   = "publish"
	UseSubscribe = "subscribe"
)

// Use says that a pipeline of an agency publishes or receives a dataset, and what of it. It stands on truc.uses under the key
// "<agency slug>/<pipeline>". It names properties and codes of the standards, no values of rows.
type Use struct {
	Format int `json:"v"`
	// Agency is that of the node. Pipeline is "publish.khaisinh" or "subscribe.tre_em".
	Agency    string `json:"agency"`
	Pipeline  string `json:"pipeline"`
	Direction string `json:"direction"`
	// Dataset is "hotich.khaisinh.v1", Version the exact one the node has, "1.0.0".
	Dataset string `json:"dataset"`
	Version string `json:"version"`
	// Agencies are whose documents: the publishing agency, or the patterns of a delivery.
	Agencies []string `json:"agencies"`
	// Properties are filled (publish) or read (subscribe); null when the node could not tell.
	Properties []string            `json:"properties"`
	Codes      []mapping.CodesUsed `json:"codes,omitempty"`
	// Mapping is the fingerprint of the mapping.
	Mapping string `json:"mapping,omitempty"`
	// Beside are all pipelines of the configuration that announced this one: by it a node knows what an earlier version of its
	// configuration has left, from what another node of its agency announces.
	Beside []string `json:"beside"`
	// Since is when this was first said so; Seen when it was last said.
	Since time.Time `json:"since"`
	Seen  time.Time `json:"seen"`
}

func (u *Use) key() string { return bus.Slug(u.Agency) + "/" + u.Pipeline }

// same reports whether two uses say the same, whenever and beside whatever they say it.
func (u Use) same(other Use) bool {
	u.Since, u.Seen, u.Beside = other.Since, other.Seen, other.Beside
	return reflect.DeepEqual(u, other)
}

// Reads reports whether a use has to do with a property, "" means with the dataset. An object holds its properties, so one
// that is read whole reads them, and who reads a part of it reads of the object. Who could not tell may read anything.
func (u *Use) Reads(property string) bool {
	if property == "" || u.Properties == nil {
		return true
	}
	return slices.ContainsFunc(u.Properties, func(p string) bool { return within(p, property) || within(property, p) })
}

// within reports whether a path is another one or lies in it: "me.hoTen" in "me", "giayTo[].so" in "giayTo".
func within(path, above string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

var usesPartition = kafka.TopicPartition{Topic: bus.UsesTopic}

func usesTopic(replication int) kafka.TopicSpec {
	spec := stateTopics(replication)[0]
	spec.Name = bus.UsesTopic
	return spec
}

// ReadUses returns what stands on truc.uses, by agency and pipeline; nothing where the topic is not there. unread are the keys of
// announcements that this version cannot read.
func ReadUses(ctx context.Context, b Bus) (uses []Use, unread []string, err error) {
	infos, err := b.Describe(ctx, bus.UsesTopic)
	if err != nil || infos[bus.UsesTopic].ID == "" {
		return nil, nil, err
	}
	ranges, err := b.Ranges(ctx, usesPartition)
	if err != nil {
		return nil, nil, err
	}
	r := ranges[usesPartition]
	if r.Start >= r.End {
		return nil, nil, nil
	}
	last := map[string]Use{}
	strange := map[string]bool{}
	err = b.ReadRange(ctx, usesPartition, r.Start, r.End, func(d *bus.Delivered) error {
		key := string(d.Key)
		delete(last, key)
		delete(strange, key)
		var u Use
		switch {
		case d.Value == nil:
		case json.Unmarshal(d.Value, &u) != nil || u.Format != usesFormat || u.key() != key:
			strange[key] = true
		default:
			last[key] = u
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read who uses what: %w", err)
	}
	for _, u := range last {
		uses = append(uses, u)
	}
	slices.SortFunc(uses, func(a, b Use) int { return strings.Compare(a.key(), b.key()) })
	for key := range strange {
		unread = append(unread, key)
	}
	slices.Sort(unread)
	return uses, unread, nil
}

// ForgetUse takes an announcement away whose node will not do it itself.
func ForgetUse(ctx context.Context, b Bus, u Use) error {
	return putOne(ctx, b, usesPartition, bus.Message{Key: []byte(u.key())})
}

// AnnounceConfig is what a node announces.
type AnnounceConfig struct {
	Agency string
	// Uses need no Format, Agency, Beside, Since and Seen.
	Uses        []Use
	Bus         Bus
	Replication int
	Log         *slog.Logger
	// Every is how often what has not changed is said again, so that one sees who is still there; 0 means a day.
	Every time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Announce keeps truc.uses true for a node until ctx is done. Whatever prevents that is logged and tried again: it concerns
// those who look after datasets, and nothing is published or delivered later for it.
func Announce(ctx context.Context, cfg AnnounceConfig) {
	if cfg.Every == 0 {
		cfg.Every = 24 * time.Hour
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	pause := newBackoff()
	failing := false
	for {
		wait := cfg.Every
		switch err := announce(ctx, &cfg); {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = pause.next()
			level := slog.LevelWarn
			if failing {
				level = slog.LevelDebug // the reason was told, and it concerns nobody who waits for data
			}
			failing = true
			cfg.Log.Log(ctx, level, "what this node uses cannot be announced; it is tried again", "topic", bus.UsesTopic, "err", err)
		default:
			if failing {
				cfg.Log.Info("what this node uses is announced again", "topic", bus.UsesTopic)
			}
			failing = false
			pause.reset()
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// announce writes what is not said yet, or was said too long ago, and takes away what left the configuration.
func announce(ctx context.Context, cfg *AnnounceConfig) error {
	if err := cfg.Bus.EnsureTopics(ctx, usesTopic(cfg.Replication)); err != nil && !mismatched(err) {
		return err
	}
	there, _, err := ReadUses(ctx, cfg.Bus)
	if err != nil {
		return err
	}
	msgs, err := announcements(cfg, there)
	if err != nil || len(msgs) == 0 {
		return err
	}
	s, err := cfg.Bus.OpenSender(ctx, kafka.SenderConfig{Unfenced: true, Partitions: []kafka.TopicPartition{usesPartition}})
	if err != nil {
		return err
	}
	defer s.Close()
	return produceAndWait(ctx, s, usesPartition, msgs)
}

// mismatched is a topic that somebody made with more partitions: the first of them does.
func mismatched(err error) bool {
	var m *kafka.TopicMismatchError
	return errors.As(err, &m)
}

func announcements(cfg *AnnounceConfig, there []Use) ([]bus.Message, error) {
	before := map[string]Use{}
	for _, u := range there {
		before[u.key()] = u
	}
	names := make([]string, len(cfg.Uses))
	for i, u := range cfg.Uses {
		names[i] = u.Pipeline
	}
	slices.Sort(names)
	now := cfg.Now().UTC().Truncate(time.Second)
	var msgs []bus.Message
	for _, u := range cfg.Uses {
		u.Format, u.Agency, u.Beside, u.Since, u.Seen = usesFormat, cfg.Agency, names, now, now
		if old, said := before[u.key()]; said && old.same(u) {
			if slices.Equal(old.Beside, names) && now.Sub(old.Seen) < cfg.Every {
				continue
			}
			u.Since = old.Since
		}
		value, err := json.Marshal(u)
		if err != nil {
			return nil, fmt.Errorf("encode use: %w", err)
		}
		msgs = append(msgs, bus.Message{Key: []byte(u.key()), Value: value})
	}
	for _, old := range there {
		if bus.Slug(old.Agency) != bus.Slug(cfg.Agency) || slices.Contains(names, old.Pipeline) {
			continue
		}
		if slices.ContainsFunc(old.Beside, func(name string) bool { return slices.Contains(names, name) }) {
			msgs = append(msgs, bus.Message{Key: []byte(old.key())})
		}
	}
	return msgs, nil
}
