package kafka

import (
	"os/exec"
	"testing"
)

func TestInstanceGone(t *testing.T) {
	self := ThisInstance()
	if self.Boot == "" || self.Start == "" || self.Space == "" {
		t.Fatalf("this process does not know itself: %+v", self)
	}
	if parsed, ok := parseInstance(self.String()); !ok || parsed != self {
		t.Errorf("%s is read as %+v", self, parsed)
	}
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child := self
	child.PID = cmd.Process.Pid
	child.Start, _ = startOf(child.PID)
	if self.gone(child) {
		t.Error("a process that lives is taken for gone")
	}
	for _, c := range []struct {
		name  string
		other Instance
		gone  bool
	}{
		{"itself", self, false},
		{"an earlier process of the same number", Instance{child.Host, child.PID, "1", child.Boot, child.Space}, true},
		{"before the machine started anew", Instance{child.Host, child.PID, "1", "another", child.Space}, false},
		{"another machine", Instance{"another", child.PID, "1", child.Boot, child.Space}, false},
		{"another container", Instance{child.Host, child.PID, "1", child.Boot, "another"}, false},
		{"the first process of the machine, of another user perhaps", Instance{child.Host, 1, "", child.Boot, child.Space}, false},
	} {
		if c.name == "the first process of the machine, of another user perhaps" {
			c.other.Start, _ = startOf(1)
		}
		if got := self.gone(c.other); got != c.gone {
			t.Errorf("%s: gone %t, want %t", c.name, got, c.gone)
		}
	}
	_ = cmd.Process.Kill()
	for {
		// Nobody has collected it yet: it is dead all the same.
		if _, alive := startOf(child.PID); !alive {
			break
		}
	}
	if !self.gone(child) {
		t.Error("a process that was killed is not gone")
	}
	_ = cmd.Wait()
	if !self.gone(child) {
		t.Error("a process that has ended is not gone")
	}
	if _, ok := parseInstance("consumer-1"); ok {
		t.Error("any client id is taken for one of truc")
	}
}
