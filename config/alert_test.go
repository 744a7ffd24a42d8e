package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAlerts(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "truc.yaml", `agency: H44.15
registry: { url: https://chuan.phutho.example/ }
alerts:
  - webhook: "https://canhbao.example/${env:HOOK}"
    secret: "${env:KEY}"
    on: [stopped, gap]
    staleAfter: 5m
    retainedAbove: 500MB
    lettersAbove: 7
    repeat: 0s
    resolved: false
    timeout: 3s
  - command: [bin/sms, "0900000000"]
  - command: [sendmail]
`)
	c, problems := Load(path, environment("HOOK", "hook-path", "KEY", "hook-key"))
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	usual := Alert{StaleAfter: 10 * time.Minute, LagAfter: 15 * time.Minute, RetainedAbove: 10 << 30, LettersAbove: 100, Repeat: time.Hour, Resolved: true}
	first, second, third := usual, usual, usual
	first.Webhook, first.Secret, first.On = "https://canhbao.example/hook-path", "hook-key", []string{"stopped", "gap"}
	first.StaleAfter, first.RetainedAbove, first.LettersAbove, first.Repeat, first.Resolved, first.Timeout = 5*time.Minute, 500_000_000, 7, 0, false, 3*time.Second
	second.Command = []string{filepath.Join(dir, "bin", "sms"), "0900000000"}
	third.Command = []string{"sendmail"}
	if diff := cmp.Diff([]Alert{first, second, third}, c.Alerts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"hook-path", "hook-key"}, c.Secrets()); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
}

func TestAlertProblems(t *testing.T) {
	for _, tc := range []struct{ alert, code, at, says string }{
		{"{}", "config.missing-key", "alerts[0]", "nobody is told"},
		{"{ webhook: https://a.example/, command: [x] }", "config.bad-value", "alerts[0]", "both"},
		{"{ webhook: a.example }", "config.bad-value", "alerts[0].webhook", "no web address"},
		{"{ webhook: ftp://a.example/ }", "config.bad-value", "alerts[0].webhook", "no web address"},
		{"{ webhook: http://a.example/ }", "config.plain-webhook", "alerts[0].webhook", "unencrypted"},
		{"{ webhook: https://a.example/, secret: abc }", "config.literal-secret", "alerts[0].secret", "${env:NAME}"},
		{"{ command: [] }", "config.bad-value", "alerts[0].command", "empty"},
		{"{ command: sms }", "config.wrong-type", "alerts[0].command", "a list"},
		{`{ command: [x], secret: "${env:KEY}" }`, "config.bad-value", "alerts[0].secret", "a command has none"},
		{"{ command: [x], on: [stoped] }", "config.unknown-event", "alerts[0].on[0]", `write "stopped"`},
		{"{ command: [x], on: [xyz] }", "config.unknown-event", "alerts[0].on[0]", "retained, letters"},
		{"{ command: [x], staleAfter: 10s }", "config.bad-value", "alerts[0].staleAfter", "1m"},
		{"{ command: [x], lagAfter: 9000h }", "config.bad-value", "alerts[0].lagAfter", "90 days"},
		{"{ command: [x], repeat: 10 }", "config.wrong-type", "alerts[0].repeat", "a duration"},
		{"{ command: [x], repeat: 1s }", "config.bad-value", "alerts[0].repeat", "0s for never"},
		{"{ command: [x], timeout: 0s }", "config.bad-value", "alerts[0].timeout", "10s"},
		{"{ command: [x], retainedAbove: 10 }", "config.bad-value", "alerts[0].retainedAbove", "10GiB"},
		{"{ command: [x], retainedAbove: 999999999999TB }", "config.bad-value", "alerts[0].retainedAbove", "smaller"},
		{"{ command: [x], lettersAbove: 0 }", "config.bad-value", "alerts[0].lettersAbove", "outside 1 to"},
		{"{ command: [x], repaet: 1h }", "config.unknown-key", "alerts[0].repaet", `write "repeat"`},
	} {
		path := write(t, t.TempDir(), "truc.yaml", "agency: H44.15\nregistry: { url: https://chuan.phutho.example/ }\nalerts: [ "+tc.alert+" ]\n")
		_, problems := Load(path, environment("KEY", "key"))
		found := false
		for _, p := range problems {
			found = found || p.Code == tc.code && strings.HasSuffix(p.Where, " "+tc.at) && strings.Contains(p.What.EN+p.Fix.EN, tc.says)
		}
		if !found {
			t.Errorf("%s: no %s at %s with %q in:\n%v", tc.alert, tc.code, tc.at, tc.says, problems)
		}
	}
	for _, fine := range []string{"{ webhook: http://127.0.0.1:9000/ }", "{ webhook: http://localhost/x }"} {
		path := write(t, t.TempDir(), "truc.yaml", "agency: H44.15\nregistry: { url: https://chuan.phutho.example/ }\nalerts: [ "+fine+" ]\n")
		if _, problems := Load(path, environment()); strings.Contains(problems.Error(), "alerts") {
			t.Errorf("%s: %v", fine, problems)
		}
	}
}
