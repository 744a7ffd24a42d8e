//go:build linux

package e2e

import (
	"encoding/json"
	"net/http"
	"time"
)

// status is what the tests need of /api/status.
type status struct {
	NotReady []struct{ Pipeline string }
	Standby  []string
	Readers  []struct {
		Source  string
		State   string
		Holder  string
		Error   string
		Epoch   int
		Records int64
		// RetainedBytes is nil when the server does not tell.
		RetainedBytes *int64
		Snapshots     []struct {
			Table       string
			Rows, Total int64
			Done        bool
		}
		Pipelines []struct {
			Name        string
			Published   map[string]int64
			Skipped     int64
			DeadLetters letters
		}
	}
	Deliveries []struct {
		Name            string
		State           string
		Error           string
		Applied, Behind int64
		Events          int64
		Partitions      int64
		DeadLetters     letters
		Generation      int
		Replay          *struct{ Whole bool }
	}
}

type letters struct {
	Opened, Resolved, Open int64
	Reasons                map[string]int64
}

// status asks the node; ok is false when it does not answer.
func (n *node) status() (s status, ok bool) {
	address := n.Log.Attribute("truc is running", "http")
	if address == "" {
		return s, false
	}
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(address + "/api/status")
	if err != nil {
		return s, false
	}
	defer response.Body.Close()
	return s, json.NewDecoder(response.Body).Decode(&s) == nil
}

// snapshotting reports whether the first source is in the middle of a snapshot.
func (s *status) snapshotting() bool {
	for _, r := range s.Readers {
		for _, p := range r.Snapshots {
			if !p.Done && p.Rows > 0 {
				return true
			}
		}
	}
	return false
}

// streaming reports whether the first source runs and has all its snapshots behind it.
func (s *status) streaming() bool {
	if len(s.Readers) == 0 || s.Readers[0].State != "running" || len(s.Readers[0].Snapshots) == 0 {
		return false
	}
	for _, p := range s.Readers[0].Snapshots {
		if !p.Done {
			return false
		}
	}
	return true
}

func (s *status) records() int64 {
	if len(s.Readers) == 0 {
		return 0
	}
	return s.Readers[0].Records
}
