package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lienthong/truc/bus/embedded"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/config"
)

// connection is the bus as a verb uses it: a client, and the broker behind it when this process runs that itself.
type connection struct {
	*kafka.Client
	broker  *embedded.Broker // nil: another process, or a cluster
	address string           // of the embedded broker
	file    string           // where the address is told to others
}

// Close ends the client, then the broker.
func (c *connection) Close() error {
	c.Client.Close()
	if c.broker == nil {
		return nil
	}
	return errors.Join(os.Remove(c.file), c.broker.Close())
}

// connect opens the bus of a node. With own, an embedded broker must run in this process and not in another; otherwise a
// broker that runs already is used where it is. A Kafka cluster is not contacted yet.
func connect(ctx context.Context, c config.Bus, own bool, log *slog.Logger) (*connection, error) {
	if c.Kafka != nil {
		client, err := kafka.New(kafkaConfig(*c.Kafka, log))
		if err != nil {
			return nil, err
		}
		return &connection{Client: client}, nil
	}
	file := filepath.Join(c.Embedded.Dir, addressFile)
	broker, err := embedded.Start(embedded.Config{Dir: c.Embedded.Dir, Port: c.Embedded.Port, Log: log})
	var inUse *embedded.InUseError
	switch {
	case errors.As(err, &inUse) && !own:
		return join(ctx, file, c.Embedded.Compression, log)
	case err != nil:
		return nil, err
	}
	conn, err := started(broker, file, c.Embedded.Compression, log)
	if err != nil {
		return nil, errors.Join(err, broker.Close())
	}
	return conn, nil
}

// addressFile tells other processes on this machine where the embedded broker of a directory listens.
const addressFile = "truc.address"

func started(broker *embedded.Broker, file, compression string, log *slog.Logger) (*connection, error) {
	// Written aside and renamed, so that nobody reads half an address.
	if err := os.WriteFile(file+".new", []byte(broker.Addr()), 0o600); err != nil {
		return nil, fmt.Errorf("write address of the embedded bus: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return nil, fmt.Errorf("write address of the embedded bus: %w", err)
	}
	cfg := broker.ClientConfig()
	cfg.Compression, cfg.Log = compression, log
	client, err := kafka.New(cfg)
	if err != nil {
		return nil, err
	}
	return &connection{Client: client, broker: broker, address: broker.Addr(), file: file}, nil
}

// join uses the embedded broker that another process runs on the directory. That process may be about to write its address.
func join(ctx context.Context, file, compression string, log *slog.Logger) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for {
		address, err := os.ReadFile(file)
		if err == nil {
			client, err := kafka.New(kafka.Config{Brokers: []string{strings.TrimSpace(string(address))}, NeverCompact: true, Compression: compression, Log: log})
			if err != nil {
				return nil, err
			}
			if err = client.Ping(ctx); err == nil {
				return &connection{Client: client, address: string(address)}, nil
			}
			client.Close()
		}
		select {
		case <-ctx.Done():
			return nil, &codeError{exitUnreachable, fmt.Errorf("another process has the embedded bus in %s open, but does not answer: wait until it has started, or end it", filepath.Dir(file))}
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// kafkaConfig is a cluster of the configuration as the client understands it.
func kafkaConfig(c config.KafkaBus, log *slog.Logger) kafka.Config {
	out := kafka.Config{Brokers: c.Brokers, Compression: c.Compression, Log: log}
	if c.TLS.Enabled {
		out.TLS = &kafka.TLSConfig{CAFile: c.TLS.CA, CertFile: c.TLS.Cert, KeyFile: c.TLS.Key}
	}
	if c.SASL != nil {
		out.SASL = &kafka.SASLConfig{Mechanism: c.SASL.Mechanism, User: c.SASL.User, Password: c.SASL.Password}
	}
	return out
}
