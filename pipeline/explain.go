package pipeline

import (
	"context"
	"errors"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus/embedded"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/problem"
)

// Explain says what stopped a node, a pipeline or a command: what it is, where, and what to do next. Every error gives a
// problem; one that nobody foresaw is shown as it is, under the code run.failed. It returns the zero Problem for nil.
func Explain(err error) problem.Problem {
	if err == nil {
		return problem.Problem{}
	}
	for _, explain := range []func(error) (problem.Problem, bool){explainAdapter, explainGap, explainBus, explainStop} {
		if p, ok := explain(err); ok {
			return p
		}
	}
	return problem.Problem{Code: "run.failed", What: problem.Say("%s", err), Fix: problem.Say("look at the log of the node around this time; when it comes again after a restart, report it")}
}

func explainAdapter(err error) (problem.Problem, bool) {
	if p, ok := errors.AsType[problem.Problem](err); ok {
		return p, true
	}
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return *p, true
	}
	if e, ok := errors.AsType[*adapters.RefusedError](err); ok {
		return problem.Problem{Code: "run.refused", Where: e.Where, What: e.What, Fix: e.Fix}, true
	}
	if e, ok := errors.AsType[*adapters.UnreachableError](err); ok {
		return problem.Problem{
			Code: "run.unreachable", Where: e.Where,
			What: problem.Say("the server cannot be reached or broke off: %v", e.Err),
			Fix:  problem.Say("start the server, or correct its address; a running node tries again by itself and loses nothing"),
		}, true
	}
	return problem.Problem{}, false
}

func explainGap(err error) (problem.Problem, bool) {
	if e, ok := errors.AsType[*adapters.GapError](err); ok {
		return problem.Problem{
			Code: "run.gap", Where: "sources." + e.Source,
			What: problem.Say("changes are missing from %s to %s: %s", e.From, e.To, e.Reason),
			Fix:  problem.Say("truc resnapshot %s reads the tables again and deletes from the topics what vanished meanwhile", e.Source),
		}, true
	}
	if e, ok := errors.AsType[*adapters.DivergenceError](err); ok {
		return problem.Problem{
			Code: "run.divergence", Where: "sources." + e.Source,
			What: problem.Say("the source is not the one that was read before: %s; saved %s, found %s", e.Reason, e.Saved, e.Found),
			Fix:  problem.Say("make sure that this is the right database, then truc resnapshot %s", e.Source),
		}, true
	}
	if e, ok := errors.AsType[*BusGapError](err); ok {
		return problem.Problem{
			Code: "run.bus-gap", Where: "sources." + e.Source,
			What: problem.Say("topic %s partition %d no longer holds what was published: %s", e.Topic, e.Partition, e.Reason),
			Fix:  problem.Say("find out what happened to the topic, then truc resnapshot %s", e.Source),
		}, true
	}
	if e, ok := errors.AsType[*DeliveryGapError](err); ok {
		return problem.Problem{
			Code: "run.delivery-gap", Where: "subscribe." + e.Delivery,
			What: problem.Say("topic %s partition %d does not hold what was read from it: %s", e.Topic, e.Partition, e.Reason),
			Fix:  problem.Say("truc resnapshot %s reads the topic again from its start and deletes from the sink what is no longer on it", e.Delivery),
		}, true
	}
	return problem.Problem{}, false
}

func explainBus(err error) (problem.Problem, bool) {
	if e, ok := errors.AsType[*kafka.UnreachableError](err); ok {
		return problem.Problem{
			Code: "run.unreachable", Where: e.Brokers,
			What: problem.Say("Kafka cannot be reached: %v", e.Err),
			Fix:  problem.Say("check the address, the network and that the broker runs; a running node tries again by itself and loses nothing"),
		}, true
	}
	if e, ok := errors.AsType[*kafka.AuthenticationError](err); ok {
		return problem.Problem{
			Code: "run.login", Where: e.Brokers,
			What: problem.Say("Kafka does not let this user in: %v", e.Err),
			Fix:  problem.Say("check sasl.mechanism, sasl.user and sasl.password under bus.kafka"),
		}, true
	}
	if e, ok := errors.AsType[*kafka.GroupError](err); ok {
		return problem.Problem{
			Code: "run.group", Where: e.Group,
			What: problem.Say("Kafka does not let this user take part in the consumer group that decides which node reads a source: %v", e.Err),
			Fix:  problem.Say("allow this user READ on the group %s, and let nothing else use its name", e.Group),
		}, true
	}
	if e, ok := errors.AsType[*kafka.TopicMismatchError](err); ok {
		return problem.Problem{
			Code: "run.topic", Where: e.Topic,
			What: problem.Say("the topic has %d partitions, %d are configured", e.Have, e.Want),
			Fix:  problem.Say("write partitions: %d, or publish a new major version of the dataset", e.Have),
		}, true
	}
	if e, ok := errors.AsType[*kafka.LeaderlessError](err); ok {
		return problem.Problem{
			Code: "run.no-leader", Where: e.Topic,
			What: problem.Say("no Kafka broker has led partition %d of the topic for %s; it is held by brokers: %s", e.Partition, e.Waited, e.Brokers()),
			Fix:  problem.Say("start these brokers, or look at their logs and disks; a running node tries again by itself and loses nothing"),
		}, true
	}
	if e, ok := errors.AsType[*kafka.StorageError](err); ok {
		return problem.Problem{
			Code: "run.broker-storage", Where: e.String(),
			What: problem.Say("the broker could not store a batch: %v", e.Err),
			Fix:  problem.Say("look at the broker's log and its free disk space"),
		}, true
	}
	if e, ok := errors.AsType[*embedded.InUseError](err); ok {
		return problem.Problem{
			Code: "run.in-use", Where: e.Dir,
			What: problem.Say("the folder of the embedded bus is open in another process"),
			Fix:  problem.Say("stop that process, or give this node a folder of its own"),
		}, true
	}
	return problem.Problem{}, false
}

func explainStop(err error) (problem.Problem, bool) {
	if e, ok := errors.AsType[*BudgetError](err); ok {
		return problem.Problem{
			Code: "run.budget", Where: "publish." + e.Pipeline,
			What: problem.Say("most of the last %d records became dead letters (%d open): the mapping does not fit the data", e.Window, e.Letters),
			Fix:  problem.Say("truc dlq list %s, correct the mapping, truc check, start again, then truc dlq retry %s", e.Pipeline, e.Pipeline),
		}, true
	}
	if e, ok := errors.AsType[*TempSpaceError](err); ok {
		return e.explain(), true
	}
	if IsTakenOver(err) {
		return problem.Problem{
			Code: "run.taken-over",
			What: problem.Say("another truc has taken this source over: it publishes now, and nothing of this one can land any more"),
			Fix:  problem.Say("let the other one run; should this one publish, stop the other and start this one again"),
		}, true
	}
	if errors.Is(err, adapters.ErrOffsetMoved) {
		return problem.Problem{
			Code: "run.offset-moved",
			What: problem.Say("another instance delivers this partition: the offsets at the sink have moved"),
			Fix:  problem.Say("let one node alone run a delivery; nothing was written twice"),
		}, true
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return problem.Problem{
			Code: "run.silent",
			What: problem.Say("a server takes connections and does not answer"),
			Fix:  problem.Say("look at the load of the servers and at the network between"),
		}, true
	}
	return problem.Problem{}, false
}
