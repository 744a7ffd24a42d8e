package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// checkpointFormat is the version of checkpoint's JSON. A node refuses a newer one.
const checkpointFormat = 1

// checkpoint is the saved position of one source reader, on truc.positions under the key "<agency slug>/<source>".
type checkpoint struct {
	Format int       `json:"v"`
	Saved  time.Time `json:"saved"`
	Epoch  uint32    `json:"epoch"`
	// Position is the adapter's part, opaque here.
	Position []byte `json:"position"`
	// Runs holds for each table the number of the snapshot that was last asked for.
	Runs map[string]uint32 `json:"runs"`
	// Begun holds for each table the epoch in which that snapshot began.
	Begun map[string]uint32 `json:"begun"`
	// Mappings holds for each pipeline the fingerprint of the mapping its new events are made with.
	Mappings map[string]string `json:"mappings"`
	// Remapped holds the pipelines whose topics have events of an older mapping, until their tables are read anew.
	Remapped map[string]Remapping `json:"remapped,omitempty"`
	Marks    []mark               `json:"partitions"`
}

// Remapping is a change of a mapping: keys that were last published before it carry what the older one made of them.
type Remapping struct {
	Since time.Time `json:"since"`
	// Before is the fingerprint of the older mapping.
	Before string `json:"before"`
}

// mark is what is acknowledged on one partition.
type mark struct {
	Topic     string `json:"topic"`
	TopicID   string `json:"id"`
	Count     int    `json:"count"`
	Partition int32  `json:"partition"`
	// Next is the offset after the last record this reader wrote there and knows acknowledged.
	Next int64 `json:"next"`
	// Last is the sequence of that record; empty when it wrote none.
	Last string `json:"last,omitempty"`
	// Behind is how many offsets before Next recovery begins to look: an earlier session published rows of a snapshot there
	// that the position does not cover yet, although the log went on.
	Behind int64 `json:"behind,omitempty"`
}

func checkpointKey(agency, source string) string { return bus.Slug(agency) + "/" + source }

// lastUnderKey finds the last record with a key on a partition without reading all of it: on the embedded bus, which is
// never compacted, truc.positions grows for years. It looks at ever larger windows from the end.
func lastUnderKey(ctx context.Context, b Bus, p kafka.TopicPartition, key string) (value []byte, found bool, err error) {
	ranges, err := b.Ranges(ctx, p)
	if err != nil {
		return nil, false, err
	}
	r := ranges[p]
	for to, width := r.End, int64(512); to > r.Start && !found; width *= 4 {
		from := max(to-width, r.Start)
		err := b.ReadRange(ctx, p, from, to, func(d *bus.Delivered) error {
			if string(d.Key) == key {
				value, found = append([]byte(nil), d.Value...), true
				if d.Value == nil {
					value = nil
				}
			}
			return nil
		})
		if err != nil {
			return nil, false, err
		}
		to = from
	}
	return value, found, nil
}

// loadCheckpoint returns nil when there is none.
func loadCheckpoint(ctx context.Context, b Bus, agency, source string) (*checkpoint, error) {
	p := kafka.TopicPartition{Topic: bus.PositionsTopic}
	value, found, err := lastUnderKey(ctx, b, p, checkpointKey(agency, source))
	if err != nil {
		return nil, fmt.Errorf("load position of source %s: %w", source, err)
	}
	if !found || value == nil {
		return nil, nil
	}
	var head struct {
		Format int `json:"v"`
	}
	if err := json.Unmarshal(value, &head); err != nil {
		return nil, fmt.Errorf("position of source %s on %s is not readable: %w; fix: truc resnapshot %s", source, bus.PositionsTopic, err, source)
	}
	if head.Format > checkpointFormat {
		return nil, fmt.Errorf("position of source %s has format %d, this truc knows %d; fix: run the newer truc that wrote it", source, head.Format, checkpointFormat)
	}
	c := new(checkpoint)
	if err := json.Unmarshal(value, c); err != nil {
		return nil, fmt.Errorf("position of source %s on %s is not readable: %w; fix: truc resnapshot %s", source, bus.PositionsTopic, err, source)
	}
	return c, nil
}
