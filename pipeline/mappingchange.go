package pipeline

import (
	"maps"
	"time"
)

// MappingChange says that a pipeline's mapping became another one. How many entities are still published as the mapping
// before made them would take a set of all keys to know; since when new events are made with the new one is known for nothing:
// an entity without an event since then is as it was, until its table is read anew.
type MappingChange struct {
	// Before is the fingerprint of the mapping until then. Entities may also stem from earlier ones.
	Before string `json:"before"`
	// Since is when the first session with the new mapping began.
	Since time.Time `json:"since"`
	// Epoch is the last one of the mapping before: a snapshot that began with a later one makes every document anew.
	Epoch uint32 `json:"epoch"`
}

// changes are the open changes of mapping as this session begins.
func (s *session) changes(saved *checkpoint) map[string]MappingChange {
	out := map[string]MappingChange{}
	if saved == nil {
		return out
	}
	for _, p := range s.pipes {
		if change, open := saved.Changed[p.Name]; open {
			out[p.Name] = change
		}
		if before, known := saved.Mappings[p.Name]; known && before != p.fingerprint {
			out[p.Name] = MappingChange{Before: before, Since: time.Now().UTC().Truncate(time.Second), Epoch: saved.Epoch}
			s.cfg.Log.Warn("the mapping has changed: what was published before is as the older one made it", "pipeline", p.Name, "fix", "truc resnapshot "+p.Name+" publishes every row again")
		}
	}
	return out
}

// mappingsChanged reports whether this session began with a change of mapping that the saved position does not know.
func (s *session) mappingsChanged(saved *checkpoint) bool {
	return saved != nil && !maps.Equal(s.saved.Changed, saved.Changed)
}

// republished closes the changes of mapping that a complete snapshot has settled.
func (s *session) republished(c *checkpoint, completed []*pipe) {
	for _, p := range completed {
		if change, open := c.Changed[p.Name]; open && c.Begun[p.Table] > change.Epoch {
			delete(c.Changed, p.Name)
			p.stats.setChange(nil)
		}
	}
}

func (p *PublishStats) setChange(c *MappingChange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed = c
}

// Changed returns the last change of mapping, nil when every entity was published with the mapping of now.
func (p *PublishStats) Changed() *MappingChange {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}
