package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/record"
)

// recover makes it certain what is on the topics and where to go on, in this order: fence whoever published before; only
// then read the saved position, the tails of the topics and the open letters; then open the source at that position.
func (s *session) recover(ctx context.Context) error {
	if err := s.cfg.Bus.EnsureTopics(ctx, s.topics()...); err != nil {
		return err
	}
	fenced := append([]kafka.TopicPartition{positionsPartition, requestsPartition}, s.parts...)
	for _, p := range s.pipes {
		fenced = append(fenced, p.dlq)
	}
	fencing, certain := whileCertain(ctx, s.cfg.Lease)
	sender, err := s.cfg.Bus.OpenSender(fencing, kafka.SenderConfig{
		TransactionalID: "truc-" + strings.ReplaceAll(checkpointKey(s.cfg.Agency, s.cfg.Source), "/", "-"),
		Partitions:      unique(fenced),
		Log:             s.cfg.Log,
	})
	if err = certain(err); err != nil {
		return err
	}
	s.sender = sender
	for _, p := range s.pipes {
		p.limit, p.dlqLimit = sender.MessageLimit(p.Topic), sender.MessageLimit(p.dlq.Topic)
	}
	s.at(PointFenced)
	saved, err := loadCheckpoint(ctx, s.cfg.Bus, s.cfg.Agency, s.cfg.Source)
	if err != nil {
		return err
	}
	anew, err := s.takeRequests(ctx)
	if err != nil {
		return err
	}
	begins := s.begins(saved, anew)
	if len(begins) == 0 {
		for _, p := range s.pipes {
			p.rereads.collect(saved.Epoch)
		}
	}
	seen, err := s.recoverTails(ctx, saved, len(anew) > 0)
	if err != nil {
		return err
	}
	for _, p := range s.pipes {
		if err := s.loadLetters(ctx, p); err != nil {
			return err
		}
	}
	return s.openSource(ctx, saved, seen, begins, anew)
}

// begins returns the tables whose snapshot is to begin in this session: those of pipelines that a person asked to be read
// again (anew), and those of pipelines that the saved position does not know, because they are new in the configuration or
// come back after an absence.
func (s *session) begins(saved *checkpoint, anew map[string]bool) map[string]bool {
	tables := map[string]bool{}
	for _, p := range s.pipes {
		known := false
		if saved != nil {
			_, known = saved.Mappings[p.Name]
		}
		if !known || anew[p.Name] || saved.Runs[p.Table] == 0 {
			tables[p.Table] = true
		}
	}
	return tables
}

func (s *session) topics() []kafka.TopicSpec {
	specs := stateTopics(s.cfg.Replication)
	names := map[string]bool{}
	for _, p := range s.pipes {
		if !names[p.Topic] {
			names[p.Topic] = true
			specs = append(specs, eventTopic(p.Topic, p.Partitions, s.cfg.Replication), dlqTopic(p.dlq.Topic, s.cfg.Replication))
		}
	}
	return specs
}

func unique(in []kafka.TopicPartition) []kafka.TopicPartition {
	seen := map[kafka.TopicPartition]bool{}
	out := in[:0]
	for _, p := range in {
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}

// recoverTails reads what every pipeline has published since the saved position (all of it when there is none), and
// compares the position with the topics. It returns the highest epoch seen.
func (s *session) recoverTails(ctx context.Context, saved *checkpoint, anew bool) (uint32, error) {
	names := map[string]bool{}
	var topics []string
	for _, p := range s.pipes {
		if !names[p.Topic] {
			names[p.Topic] = true
			topics = append(topics, p.Topic)
		}
	}
	infos, err := s.cfg.Bus.Describe(ctx, topics...)
	if err != nil {
		return 0, err
	}
	ranges, err := s.cfg.Bus.Ranges(ctx, unique(append([]kafka.TopicPartition(nil), s.parts...))...)
	if err != nil {
		return 0, err
	}
	marks := map[kafka.TopicPartition]mark{}
	var epoch uint32
	if saved != nil {
		epoch = saved.Epoch
		for _, m := range saved.Marks {
			marks[kafka.TopicPartition{Topic: m.Topic, Partition: m.Partition}] = m
		}
	}
	for i, tp := range s.parts {
		s.topicID = append(s.topicID, infos[tp.Topic].ID)
		if at := indexOf(s.parts[:i], tp); at >= 0 {
			s.scanned = append(s.scanned, s.scanned[at])
			continue // two pipelines on one topic: it is read once, for both
		}
		r := ranges[tp]
		from := r.Start
		if m, ok := marks[tp]; ok && !anew {
			if err := checkMark(ctx, s.cfg.Bus, s.cfg.Source, m, infos[tp.Topic], r); err != nil {
				return 0, err
			}
			from = max(m.Next-m.Behind, r.Start)
		}
		s.scanned = append(s.scanned, from)
		var pipes []*pipe
		for _, p := range s.pipes {
			if p.Topic == tp.Topic {
				pipes = append(pipes, p)
			}
		}
		seen, err := scanTails(ctx, s.cfg.Bus, tp, from, r.End, pipes)
		if err != nil {
			return 0, fmt.Errorf("read what was published on %s/%d: %w", tp.Topic, tp.Partition, err)
		}
		epoch = max(epoch, seen)
	}
	return epoch, nil
}

func indexOf(in []kafka.TopicPartition, p kafka.TopicPartition) int {
	for i := range in {
		if in[i] == p {
			return i
		}
	}
	return -1
}

// openSource decides the epoch and opens the source. begins are the tables whose snapshot begins, anew the pipelines that a
// person asked to be read again.
//
// Every snapshot begins with an epoch of its own, so that what was published before it can be told from what it publishes:
// the former is swept when it ends.
func (s *session) openSource(ctx context.Context, saved *checkpoint, seen uint32, begins, anew map[string]bool) error {
	s.runs, s.begun = map[string]uint32{}, map[string]uint32{}
	start := adapters.Start{}
	s.epoch = seen
	if len(begins) > 0 {
		s.epoch++
	} else {
		start.Floor = s.floor()
	}
	if saved != nil {
		start.Position = saved.Position
		start.Opened = len(saved.Position) == 0 // it is saved for the first time when the source has been opened
		maps.Copy(s.runs, saved.Runs)
		maps.Copy(s.begun, saved.Begun)
	}
	for table := range begins {
		s.runs[table]++
		s.begun[table] = s.epoch
	}
	s.mending = len(anew) > 0
	var err error
	if s.reset = s.reset && s.mending; !s.reset {
		err = s.openAt(ctx, start)
		s.reset = s.mending && IsGap(err)
	}
	if s.reset {
		// A gap concerns every table of the source, whichever of them was asked for.
		s.cfg.Log.Warn("mending a gap: every table of the source is read again", "source", s.cfg.Source, "err", err)
		for table := range s.runs {
			s.runs[table]++
			s.begun[table] = s.epoch
		}
		start = adapters.Start{Reset: true}
		err = s.openAt(ctx, start)
	}
	if err != nil {
		return err
	}
	for _, p := range s.pipes {
		if p.rereads.epoch != s.epoch {
			p.rereads.free()
		}
	}
	s.saved = s.firstCheckpoint(saved, start.Position)
	if (len(begins) > 0 || s.mappingsChanged(saved)) && len(anew) == 0 {
		// The epoch, and since when a mapping holds, are on record before the first event is, so that a crash before the first
		// position neither raises the one again nor tells the other later than it was.
		// One that a person asked for begins again with the request, which is closed by that position.
		if err := s.put(ctx, s.saved); err != nil {
			return err
		}
	}
	if start.Position != nil && string(start.Position) == string(s.saved.Position) {
		// The process may have died between saving this position and telling the source of it.
		if err := s.src.Ack(ctx, s.saved.Position); err != nil {
			return fmt.Errorf("acknowledge at source %s: %w", s.cfg.Source, err)
		}
	}
	s.stats.recovered(s.epoch, s.saved)
	s.at(PointRecovered)
	return nil
}

func (s *session) openAt(ctx context.Context, start adapters.Start) error {
	src, err := s.cfg.Open()
	if err != nil {
		return err
	}
	if s.src != nil {
		_ = s.src.Close()
	}
	s.src = src
	tables := map[string]bool{}
	for _, p := range s.pipes {
		if !tables[p.Table] {
			tables[p.Table] = true
			start.Tables = append(start.Tables, adapters.TableStart{Table: p.Table, Run: s.runs[p.Table]})
		}
	}
	if t, ok := src.(adapters.Terminator); ok {
		// Whoever held the source is fenced off the bus already; this makes it let go of the source too. A process that was frozen
		// since its own fence must not do so to its successor.
		if s.cfg.Lease != nil && !s.cfg.Lease.Certain() {
			return errUncertain
		}
		if err := t.Terminate(ctx); err != nil {
			return err
		}
	}
	s.stats.setSource(src)
	return src.Open(ctx, start)
}

// floor is the highest order known to be on the topics in the current epoch.
func (s *session) floor() record.Order {
	var floor Sequence
	for _, p := range s.pipes {
		for i := range p.tails {
			if q, ok := ParseSequence(string(p.tails[i].max)); ok && q.Epoch == s.epoch && q.Compare(floor) > 0 {
				floor = q
			}
		}
	}
	return floor.Order
}

// firstCheckpoint is the position from which this session counts: what was saved, with the marks of the topics as they are.
func (s *session) firstCheckpoint(saved *checkpoint, position []byte) *checkpoint {
	c := &checkpoint{Format: checkpointFormat, Epoch: s.epoch, Runs: s.runs, Begun: s.begun, Mappings: map[string]string{}, Changed: s.changes(saved)}
	old := map[kafka.TopicPartition]mark{}
	if saved != nil {
		c.Position = position
		for _, m := range saved.Marks {
			old[kafka.TopicPartition{Topic: m.Topic, Partition: m.Partition}] = m
		}
	}
	waiting := slices.ContainsFunc(s.pipes, func(p *pipe) bool { return p.rereads.waiting() })
	for i, tp := range s.parts {
		m := mark{Topic: tp.Topic, TopicID: s.topicID[i], Count: s.counts[i], Partition: tp.Partition}
		if o, ok := old[tp]; ok && o.TopicID == m.TopicID && o.Count == m.Count {
			m.Next, m.Last = o.Next, o.Last
		}
		if waiting {
			m.Behind = max(m.Next-s.scanned[i], 0)
		}
		c.Marks = append(c.Marks, m)
	}
	for _, p := range s.pipes {
		c.Mappings[p.Name] = p.fingerprint
	}
	return c
}

// takeRequests reads the open requests of this source: pipelines to be read anew, letters to be retried, entities to be erased. A paused
// source is not opened, and its requests wait.
func (s *session) takeRequests(ctx context.Context) (map[string]bool, error) {
	o, err := readOrders(ctx, s.cfg.Bus, s.cfg.Agency, s.cfg.Source, 0)
	if err != nil {
		return nil, fmt.Errorf("read requests: %w", err)
	}
	if o.pause != nil {
		return nil, errPaused
	}
	s.requests = o.next
	anew := map[string]bool{}
	for key, q := range o.open {
		if q.Erase != nil && !s.publishes(q.Erase.Pipeline) {
			s.cfg.Log.Error("an entity of a pipeline that this node does not have is to be erased; the request stays", "source", s.cfg.Source, "pipeline", q.Erase.Pipeline, "request", q.ID)
			continue
		}
		s.done = append(s.done, key)
		for _, name := range q.Resnapshot {
			anew[name] = true
		}
		if q.Retry != "" {
			s.retries = append(s.retries, q)
		}
		if q.Erase != nil {
			s.erasures = append(s.erasures, q)
		}
	}
	return anew, nil
}

func (s *session) publishes(pipeline string) bool {
	return slices.ContainsFunc(s.pipes, func(p *pipe) bool { return p.Name == pipeline })
}

// awaitRequest returns true when somebody asks for something or pauses the source, false when ctx is done.
func (s *session) awaitRequest(ctx context.Context) bool {
	for sleep(ctx, s.cfg.SaveEvery) {
		o, err := readOrders(ctx, s.cfg.Bus, s.cfg.Agency, s.cfg.Source, s.requests)
		if err != nil {
			continue // the broker is away; the sender notices in its own way
		}
		s.requests = o.next
		if len(o.open) > 0 || o.pause != nil {
			return true
		}
	}
	return false
}

// loadLetters reads which entities of a pipeline have an open letter.
func (s *session) loadLetters(ctx context.Context, p *pipe) error {
	if err := p.letters.load(ctx, s.cfg.Bus, p.dlq, p.Name); err != nil {
		return fmt.Errorf("read dead letters of publish.%s: %w", p.Name, err)
	}
	p.stats.Open.Store(p.letters.n.Load())
	return nil
}
