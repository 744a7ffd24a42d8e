package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Config says how to reach a cluster.
type Config struct {
	// Brokers are host:port addresses to start from; the others are learnt from them.
	Brokers []string `yaml:"brokers"`
	// TLS nil means plain text.
	TLS *TLSConfig `yaml:"tls"`
	// SASL nil means no authentication.
	SASL *SASLConfig `yaml:"sasl"`
	// ClientID is what brokers log and apply quotas to; "truc" when empty.
	ClientID string `yaml:"client_id"`
	// Compression is what batches are packed with: "none", as when it is empty, "gzip", "snappy", "lz4" or "zstd". Every
	// consumer of Kafka unpacks all of them.
	Compression string `yaml:"compression"`
	// NeverCompact makes EnsureTopics create every topic with cleanup.policy=delete and no limit. The embedded broker sets
	// it, because its compaction loses data when the process is killed in the middle of it.
	NeverCompact bool         `yaml:"-"`
	Log          *slog.Logger `yaml:"-"`
}

// TLSConfig names PEM files.
type TLSConfig struct {
	// CAFile holds the authorities that are trusted; the system's when empty.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile authenticate this client; both or neither.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// InsecureSkipVerify accepts any certificate: for trials only.
	InsecureSkipVerify bool `yaml:"insecure_skip_verify"`
}

// SASLConfig authenticates with a user and a password.
type SASLConfig struct {
	// Mechanism is "plain", "scram-sha-256" or "scram-sha-512".
	Mechanism string `yaml:"mechanism"`
	User      string `yaml:"user"`
	Password  string `yaml:"password"`
}

// String keeps the password out of whatever prints a configuration.
func (c SASLConfig) String() string { return c.Mechanism + " as " + c.User }

// GoString is String, for %#v.
func (c SASLConfig) GoString() string { return c.String() }

// LogValue keeps the password out of logs.
func (c SASLConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

// The mechanisms of SASLConfig.
const (
	mechanismPlain       = "plain"
	mechanismSCRAMSHA256 = "scram-sha-256"
	mechanismSCRAMSHA512 = "scram-sha-512"
)

// Validate reports everything that is wrong with the configuration, joined by errors.Join. It reads no file and never
// repeats a secret.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Brokers) == 0 {
		add("brokers: at least one host:port is needed")
	}
	for i, b := range c.Brokers {
		host, port, err := net.SplitHostPort(b)
		if err != nil || host == "" || port == "" {
			add("brokers[%d]: %q is no host:port", i, b)
		}
	}
	if _, err := c.codec(); err != nil {
		add("compression: %q is not one of none, gzip, snappy, lz4, zstd", c.Compression)
	}
	if t := c.TLS; t != nil && (t.CertFile == "") != (t.KeyFile == "") {
		add("tls: cert_file and key_file go together")
	}
	if s := c.SASL; s != nil {
		switch s.Mechanism {
		case mechanismPlain, mechanismSCRAMSHA256, mechanismSCRAMSHA512:
		default:
			add("sasl.mechanism: %q is not one of %s, %s, %s", s.Mechanism, mechanismPlain, mechanismSCRAMSHA256, mechanismSCRAMSHA512)
		}
		if s.User == "" {
			add("sasl.user: missing")
		}
		if s.Password == "" {
			add("sasl.password: missing")
		}
	}
	return errors.Join(errs...)
}

// codec is nil without compression.
func (c Config) codec() (compress.Codec, error) {
	var by compress.Compression
	if c.Compression == "" {
		return nil, nil
	}
	if err := by.UnmarshalText([]byte(c.Compression)); err != nil {
		return nil, err
	}
	return by.Codec(), nil
}

func (c *TLSConfig) build() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.InsecureSkipVerify} //nolint:gosec // the operator's own choice, off by default
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read tls.ca_file: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read tls.ca_file %s: it holds no PEM certificate", c.CAFile)
		}
	}
	if c.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read tls.cert_file and tls.key_file: %w", err)
		}
		out.Certificates = []tls.Certificate{cert}
	}
	return out, nil
}

func (c *SASLConfig) build() (sasl.Mechanism, error) {
	algorithm := scram.SHA256
	switch c.Mechanism {
	case mechanismPlain:
		return plain.Mechanism{Username: c.User, Password: c.Password}, nil
	case mechanismSCRAMSHA512:
		algorithm = scram.SHA512
	}
	m, err := scram.Mechanism(algorithm, c.User, c.Password)
	if err != nil {
		return nil, errors.New("prepare sasl: user or password holds characters that SASLprep forbids")
	}
	return m, nil
}

func (c Config) addresses() string { return strings.Join(c.Brokers, ",") }
