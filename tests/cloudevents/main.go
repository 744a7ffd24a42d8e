// Command cloudevents reads a topic with the CloudEvents SDK for Go and its Kafka binding, none of them truc's, and prints
// each record as the SDK understood it: one event in CloudEvents' own JSON form a line. A record that the SDK does not take
// for a CloudEvent ends it with an error.
//
//	go run -C tests/cloudevents . BROKER TOPIC
//
// It is a module of its own, so that neither the SDK nor its Kafka client is a dependency of truc.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/IBM/sarama"
	kafka "github.com/cloudevents/sdk-go/protocol/kafka_sarama/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: cloudevents BROKER TOPIC")
		os.Exit(2)
	}
	if err := read(context.Background(), os.Args[1], os.Args[2], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cloudevents:", err)
		os.Exit(1)
	}
}

func read(ctx context.Context, broker, topic string, out io.Writer) error {
	config := sarama.NewConfig()
	config.Version = sarama.V2_0_0_0 // the first that has headers; newer brokers speak it too
	client, err := sarama.NewClient([]string{broker}, config)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", broker, err)
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return fmt.Errorf("open consumer: %w", err)
	}
	defer consumer.Close()
	partitions, err := client.Partitions(topic)
	if err != nil {
		return fmt.Errorf("list partitions of %s: %w", topic, err)
	}
	for _, p := range partitions {
		end, err := client.GetOffset(topic, p, sarama.OffsetNewest)
		if err != nil {
			return fmt.Errorf("ask for the end of %s/%d: %w", topic, p, err)
		}
		if err := readPartition(ctx, consumer, topic, p, end, json.NewEncoder(out)); err != nil {
			return fmt.Errorf("partition %d: %w", p, err)
		}
	}
	return nil
}

// quiet is how long nothing must come until a partition counts as read: its last offsets may belong to transaction markers,
// which clients hide.
const quiet = 2 * time.Second

func readPartition(ctx context.Context, consumer sarama.Consumer, topic string, partition int32, end int64, out *json.Encoder) error {
	c, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		select {
		case m := <-c.Messages():
			event, err := binding.ToEvent(ctx, kafka.NewMessageFromConsumerMessage(m))
			if err != nil {
				return fmt.Errorf("offset %d is no CloudEvent: %w", m.Offset, err)
			}
			if err := event.Validate(); err != nil {
				return fmt.Errorf("offset %d: %w", m.Offset, err)
			}
			if err := out.Encode(event); err != nil {
				return fmt.Errorf("offset %d: %w", m.Offset, err)
			}
			if m.Offset+1 >= end {
				return nil
			}
		case <-time.After(quiet):
			return nil
		case err := <-c.Errors():
			return err
		}
	}
}
