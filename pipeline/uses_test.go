package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/mapping"
)

// useOf is a use as a node makes it.
func useOf(pipeline string, properties ...string) Use {
	return Use{
		Pipeline: pipeline, Direction: UseSubscribe, Dataset: "hotich.khaisinh.v1", Version: "1.0.0", Agencies: []string{"H44.*"}, Properties: properties,
		Codes: []mapping.CodesUsed{{List: "danhmuc.gioitinh", Codes: []string{"1", "2"}}},
	}
}

// announcer announces for nodes on one bus, by a clock that stands.
type announcer struct {
	t   *testing.T
	bus Bus
	now time.Time
}

func (a *announcer) announce(agency string, uses ...Use) {
	a.t.Helper()
	cfg := AnnounceConfig{Agency: agency, Uses: uses, Bus: a.bus, Log: slog.New(slog.DiscardHandler), Every: 24 * time.Hour, Now: func() time.Time { return a.now }}
	if err := announce(a.t.Context(), &cfg); err != nil {
		a.t.Fatal(err)
	}
}

func (a *announcer) there() []string {
	a.t.Helper()
	uses, _, err := ReadUses(a.t.Context(), a.bus)
	if err != nil {
		a.t.Fatal(err)
	}
	var out []string
	for _, u := range uses {
		out = append(out, u.Agency+"/"+u.Pipeline+" "+strings.Join(u.Properties, ","))
	}
	return out
}

func (a *announcer) records() int64 {
	a.t.Helper()
	r, err := a.bus.Ranges(a.t.Context(), usesPartition)
	if err != nil {
		a.t.Fatal(err)
	}
	return r[usesPartition].End
}

func (a *announcer) want(what string, want ...string) {
	a.t.Helper()
	if diff := cmp.Diff(want, a.there()); diff != "" {
		a.t.Errorf("%s: %s", what, diff)
	}
}

// What a configuration uses is said, once; what left it is taken away; what another node says stays.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	a := &announcer{t: t, bus: newModelBus().process(1<<30, true), now: time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC)}
	if uses, unread, err := ReadUses(t.Context(), a.bus); uses != nil || unread != nil || err != nil {
		t.Errorf("without a topic: %v %v %v", uses, unread, err)
	}
	a.announce("H44.15", useOf("publish.khaisinh", "so"), useOf("subscribe.tre_em", "so", "me"))
	a.announce("H44.15", useOf("subscribe.khac", "so"))
	a.announce("H26", useOf("subscribe.tre_em", "cha"))
	a.want("announced", "H26/subscribe.tre_em cha", "H44.15/publish.khaisinh so", "H44.15/subscribe.khac so", "H44.15/subscribe.tre_em so,me")
	before := a.records()
	a.announce("H44.15", useOf("publish.khaisinh", "so"), useOf("subscribe.tre_em", "so", "me"))
	if got := a.records(); got != before {
		t.Errorf("a restart wrote %d records", got-before)
	}

	a.now = a.now.Add(25 * time.Hour)
	a.announce("H44.15", useOf("subscribe.tre_em", "so", "cha"))
	a.want("after a change", "H26/subscribe.tre_em cha", "H44.15/subscribe.khac so", "H44.15/subscribe.tre_em so,cha")
	a.announce("H26", useOf("subscribe.tre_em", "cha"))
	uses, _, err := ReadUses(t.Context(), a.bus)
	if err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	if u := uses[0]; u.Agency != "H26" || a.now.Sub(u.Since) < day || !u.Seen.Equal(a.now) {
		t.Errorf("what has not changed in a day is %+v", u)
	}
	if u := uses[2]; !u.Since.Equal(a.now) {
		t.Errorf("what has changed is since %v", u.Since)
	}
	if err := ForgetUse(t.Context(), a.bus, uses[0]); err != nil {
		t.Fatal(err)
	}
	a.want("after one is forgotten", "H44.15/subscribe.khac so", "H44.15/subscribe.tre_em so,cha")
}

// A pipeline that moved to another configuration of the agency is not taken away by the one that it left.
func TestAnnounceAfterAMove(t *testing.T) {
	t.Parallel()
	a := &announcer{t: t, bus: newModelBus().process(1<<30, true), now: time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC)}
	a.announce("H44.15", useOf("subscribe.mot"), useOf("subscribe.hai"))
	a.announce("H44.15", useOf("subscribe.ba"), useOf("subscribe.hai"))
	a.announce("H44.15", useOf("subscribe.mot"))
	a.want("after the move", "H44.15/subscribe.ba ", "H44.15/subscribe.hai ", "H44.15/subscribe.mot ")
}

// What a newer truc has written, and what is none of ours, is named and not guessed at.
func TestUnreadUses(t *testing.T) {
	t.Parallel()
	b := newModelBus().process(1<<30, true)
	if err := b.EnsureTopics(t.Context(), usesTopic(1)); err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{
		"h44/publish.a": `{"v":2,"agency":"H44","pipeline":"publish.a"}`, "h44/publish.b": `{"v":1,"agency":"H44","pipeline":"publish.c"}`, "h44/publish.d": `no`,
		"h44/publish.e": `{"v":1,"agency":"H44","pipeline":"publish.e"}`,
	} {
		if err := putOne(t.Context(), b, usesPartition, bus.Message{Key: []byte(key), Value: []byte(value)}); err != nil {
			t.Fatal(err)
		}
	}
	uses, unread, err := ReadUses(t.Context(), b)
	if err != nil || len(uses) != 1 || uses[0].Pipeline != "publish.e" || !slices.Equal(unread, []string{"h44/publish.a", "h44/publish.b", "h44/publish.d"}) {
		t.Errorf("%v %v %v", uses, unread, err)
	}
}

// deafBus refuses to make topics for a while.
type deafBus struct {
	Bus
	refusals atomic.Int32
}

func (b *deafBus) EnsureTopics(ctx context.Context, specs ...kafka.TopicSpec) error {
	if b.refusals.Add(-1) >= 0 {
		return errors.New("topic authorization failed")
	}
	return b.Bus.EnsureTopics(ctx, specs...)
}

// A topic that cannot be written is told once and tried again; the end does not wait for it.
func TestAnnounceTriesAgain(t *testing.T) {
	t.Parallel()
	b := &deafBus{Bus: newModelBus().process(1<<30, true)}
	b.refusals.Store(2)
	var log strings.Builder
	ctx, stop := context.WithCancel(t.Context())
	cfg := AnnounceConfig{Agency: "H44", Uses: []Use{useOf("subscribe.mot")}, Bus: b, Log: slog.New(slog.NewTextHandler(&log, nil))}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Announce(ctx, cfg)
	}()
	for {
		uses, _, err := ReadUses(ctx, b)
		if err != nil {
			t.Fatal(err)
		}
		if len(uses) == 1 {
			break
		}
		if !sleep(ctx, time.Millisecond) {
			t.Fatal("nothing was announced")
		}
	}
	stop()
	<-ended
	if n := strings.Count(log.String(), "cannot be announced"); n != 1 {
		t.Errorf("it was told %d times:\n%s", n, log.String())
	}

	b.refusals.Store(1 << 20)
	ctx, stop = context.WithCancel(t.Context())
	stop()
	Announce(ctx, cfg)
}

func TestUseReads(t *testing.T) {
	t.Parallel()
	u := Use{Properties: []string{"so", "me.hoTen", "giayTo[].so", "cha"}}
	for property, want := range map[string]bool{
		"": true, "so": true, "me": true, "me.hoTen": true, "me.hoTen.x": true, "me.ngaySinh": false, "soDinhDanh": false, "s": false, "giayTo": true, "giayTo[].so": true, "giayTo[].loai": false,
		"cha.hoTen": true,
	} {
		if got := u.Reads(property); got != want {
			t.Errorf("%q: %v", property, got)
		}
	}
	if !(&Use{}).Reads("so") {
		t.Error("who could not tell is left out")
	}
}
