package kafka_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/truc/bus/kafka"
)

func TestPing(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		if err := newClient(t, cfg).Ping(testContext(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, kafka.Config{Brokers: []string{address}})
	ctx := testContext(t)
	_, describe := c.Describe(ctx, "t")
	for name, err := range map[string]error{
		"Ping":         c.Ping(ctx),
		"Describe":     describe,
		"EnsureTopics": c.EnsureTopics(ctx, kafka.TopicSpec{Name: "t", Partitions: 1}),
	} {
		var unreachable *kafka.UnreachableError
		if !errors.As(err, &unreachable) || unreachable.Brokers != address {
			t.Errorf("%s = %v, want UnreachableError", name, err)
		}
	}
}

func TestConfigNamesEverythingThatIsWrong(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("not PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	const secret = "hunter2-secret"
	ok := []string{"localhost:9092"}
	for name, tc := range map[string]struct {
		cfg  kafka.Config
		want []string
	}{
		"empty":            {kafka.Config{}, []string{"brokers"}},
		"broker":           {kafka.Config{Brokers: []string{"localhost:1", "nowhere", ":9"}}, []string{"brokers[1]", "brokers[2]"}},
		"half a key pair":  {kafka.Config{Brokers: ok, TLS: &kafka.TLSConfig{CertFile: "a"}}, []string{"key_file"}},
		"missing CA":       {kafka.Config{Brokers: ok, TLS: &kafka.TLSConfig{CAFile: "/does/not/exist"}}, []string{"ca_file"}},
		"CA is no PEM":     {kafka.Config{Brokers: ok, TLS: &kafka.TLSConfig{CAFile: notPEM}}, []string{"ca_file", "no PEM"}},
		"sasl":             {kafka.Config{SASL: &kafka.SASLConfig{Mechanism: "ntlm", Password: secret}}, []string{"brokers", "sasl.mechanism", "sasl.user"}},
		"missing password": {kafka.Config{Brokers: ok, SASL: &kafka.SASLConfig{Mechanism: "plain", User: "u"}}, []string{"sasl.password"}},
		"odd password":     {kafka.Config{Brokers: ok, SASL: &kafka.SASLConfig{Mechanism: "scram-sha-512", User: "u", Password: secret + "\x00"}}, []string{"sasl"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := kafka.New(tc.cfg)
			if err == nil {
				c.Close()
				t.Fatal("accepted")
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %q", err, part)
				}
			}
			for _, text := range []string{err.Error(), fmt.Sprintf("%v %+v %#v", tc.cfg, tc.cfg.SASL, tc.cfg.SASL)} {
				if strings.Contains(text, secret) {
					t.Errorf("the password stands in %q", text)
				}
			}
		})
	}
}
