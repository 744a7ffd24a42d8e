package kafka_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lienthong/truc/bus/kafka"
)

// certificate writes a self-signed certificate for 127.0.0.1 and its key.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "EC PRIVATE KEY", keyDER)
}

func TestTLSAndSASL(t *testing.T) {
	certFile, keyFile := certificate(t)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "s3cret-of-the-test"
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}),
		kfake.EnableSASL(), kfake.Superuser("PLAIN", "p", secret), kfake.Superuser("SCRAM-SHA-256", "s256", secret), kfake.Superuser("SCRAM-SHA-512", "s512", secret))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	brokers := cluster.ListenAddrs()
	trusted := &kafka.TLSConfig{CAFile: certFile}

	for user, mechanism := range map[string]string{"p": "plain", "s256": "scram-sha-256", "s512": "scram-sha-512"} {
		t.Run(mechanism, func(t *testing.T) {
			c := newClient(t, kafka.Config{Brokers: brokers, TLS: trusted, SASL: &kafka.SASLConfig{Mechanism: mechanism, User: user, Password: secret}})
			l := newLedger(kafka.TopicPartition{Topic: newTopic(t, c, 1)})
			s := openSender(t, c, l.tp.Topic, l.tp)
			l.produce(t, s, 3)
			l.check(t, c, s, 1)

			// Groups have connections of their own.
			a := &assignments{holders: make(map[kafka.TopicPartition]string), generations: 1}
			a.member(t, c, "a", kafka.GroupConfig{
				ID: "group-" + mechanism, Topics: func(context.Context) ([]string, error) { return []string{l.tp.Topic}, nil },
			})
			a.await(t, "one member", func(held map[string][]kafka.TopicPartition) bool { return len(held["a"]) == 1 })
		})
	}

	good := &kafka.SASLConfig{Mechanism: "plain", User: "p", Password: secret}
	var unreachable *kafka.UnreachableError
	for name, tc := range map[string]struct {
		cfg  kafka.Config
		want any
	}{
		// This broker closes the connection; Apache Kafka answers, as below.
		"wrong password, plain": {kafka.Config{Brokers: brokers, TLS: trusted, SASL: &kafka.SASLConfig{Mechanism: "plain", User: "p", Password: secret + "!"}}, &unreachable},
		"wrong password, scram": {kafka.Config{Brokers: brokers, TLS: trusted, SASL: &kafka.SASLConfig{Mechanism: "scram-sha-256", User: "s256", Password: secret + "!"}}, &unreachable},
		"authority not trusted": {kafka.Config{Brokers: brokers, TLS: &kafka.TLSConfig{}, SASL: good}, &unreachable},
		"no TLS":                {kafka.Config{Brokers: brokers, SASL: good}, &unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			err := newClient(t, tc.cfg).Ping(testContext(t))
			if !errors.As(err, tc.want) {
				t.Errorf("Ping = %v, want %T", err, tc.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the password stands in %q", err)
			}
		})
	}
	t.Run("not verified", func(t *testing.T) {
		c := newClient(t, kafka.Config{Brokers: brokers, TLS: &kafka.TLSConfig{InsecureSkipVerify: true}, SASL: good})
		if err := c.Ping(testContext(t)); err != nil {
			t.Error(err)
		}
	})
	t.Run("refused by an answer", func(t *testing.T) {
		cluster.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			res := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
			res.ErrorCode = 58
			return res, nil, true
		})
		err := newClient(t, kafka.Config{Brokers: brokers, TLS: trusted, SASL: good}).Ping(testContext(t))
		var refused *kafka.AuthenticationError
		if !errors.As(err, &refused) {
			t.Errorf("Ping = %v, want AuthenticationError", err)
		}
	})
}
