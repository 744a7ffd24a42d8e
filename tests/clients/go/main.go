// Command go works with a schema registry through franz-go's client, none of it truc's: it registers, looks up, evolves, is
// refused and deletes, and ends with an error at the first answer that is not what the client expects.
//
//	go run -C tests/clients/go . URL
//
// It is a module of its own, so that the client is no dependency of truc.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

const (
	first    = `{"title":"go","type":"object","properties":{"so":{"type":"string"}},"additionalProperties":false}`
	widened  = `{"title":"go","type":"object","properties":{"so":{"type":"string"},"ten":{"type":"string"}},"additionalProperties":false}`
	breaking = `{"title":"go","type":"object","properties":{"so":{"type":"integer"}},"additionalProperties":false}`
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go URL")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	err := work(ctx, os.Args[1])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "go client:", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, "franz-go sr: registered, looked up, evolved, was refused, deleted")
}

func work(ctx context.Context, url string) error {
	c, err := sr.NewClient(sr.URLs(url), sr.UserAgent("truc-test"))
	if err != nil {
		return err
	}
	subject := fmt.Sprintf("go-%d/giá trị", time.Now().UnixNano())
	json := func(text string) sr.Schema { return sr.Schema{Schema: text, Type: sr.TypeJSON} }

	types, err := c.SupportedTypes(ctx)
	if err != nil || !slices.Equal(types, []sr.SchemaType{sr.TypeJSON}) {
		return fmt.Errorf("types: %v, %w", types, err)
	}
	for _, result := range c.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatBackward}, subject) {
		if result.Err != nil || result.Level != sr.CompatBackward {
			return fmt.Errorf("set level: %v, %w", result.Level, result.Err)
		}
	}
	for _, result := range c.Compatibility(ctx, subject) {
		if result.Err != nil || result.Level != sr.CompatBackward {
			return fmt.Errorf("level: %v, %w", result.Level, result.Err)
		}
	}
	one, err := c.CreateSchema(ctx, subject, json(first))
	if err != nil || one.Version != 1 {
		return fmt.Errorf("register: %+v, %w", one, err)
	}
	again, err := c.CreateSchema(ctx, subject, json(first))
	if err != nil || again.ID != one.ID || again.Version != 1 {
		return fmt.Errorf("register again: %+v, %w", again, err)
	}
	if found, err := c.LookupSchema(ctx, subject, json(first)); err != nil || found.ID != one.ID {
		return fmt.Errorf("look up: %+v, %w", found, err)
	}
	if s, err := c.SchemaByID(ctx, one.ID); err != nil || s.Schema != first || s.Type != sr.TypeJSON {
		return fmt.Errorf("by id: %+v, %w", s, err)
	}
	if s, err := c.SchemaByGUID(ctx, one.GUID); err != nil || s.Schema.Schema != first {
		return fmt.Errorf("by guid: %+v, %w", s, err)
	}
	if ids, err := c.SchemaIDsByGUID(ctx, one.GUID); err != nil || len(ids) != 1 || ids[0].ID != one.ID {
		return fmt.Errorf("ids by guid: %+v, %w", ids, err)
	}
	check, err := c.CheckCompatibility(sr.WithParams(ctx, sr.Verbose), subject, -1, json(breaking))
	if err != nil || check.Is || len(check.Messages) == 0 {
		return fmt.Errorf("check: %+v, %w", check, err)
	}
	_, err = c.CreateSchema(ctx, subject, json(breaking))
	if refused := (*sr.ResponseError)(nil); !errors.As(err, &refused) || refused.ErrorCode != 40901 || refused.StatusCode != 409 {
		return fmt.Errorf("a breaking version was not refused: %w", err)
	}
	two, err := c.CreateSchema(ctx, subject, json(widened))
	if err != nil || two.Version != 2 || two.ID == one.ID {
		return fmt.Errorf("evolve: %+v, %w", two, err)
	}
	return references(ctx, c, subject, json, two)
}

// references lets another schema refer to the subject, and takes all away again.
func references(ctx context.Context, c *sr.Client, subject string, json func(string) sr.Schema, two sr.SubjectSchema) error {
	other := subject + "-tham chiếu"
	referring := json(`{"type":"array","items":{"$ref":"ho-so.json"}}`)
	referring.References = []sr.SchemaReference{{Name: "ho-so.json", Subject: subject, Version: 2}}
	list, err := c.CreateSchema(ctx, other, referring)
	if err != nil || len(list.References) != 1 {
		return fmt.Errorf("register with a reference: %+v, %w", list, err)
	}
	if by, err := c.SchemaReferences(ctx, subject, 2); err != nil || len(by) != 1 || by[0].Subject != other {
		return fmt.Errorf("referenced by: %+v, %w", by, err)
	}
	err = c.DeleteSchema(ctx, subject, 2, sr.SoftDelete)
	if refused := (*sr.ResponseError)(nil); !errors.As(err, &refused) || refused.ErrorCode != 42206 {
		return fmt.Errorf("what is referred to was deleted: %w", err)
	}
	if versions, err := c.SubjectVersions(ctx, subject); err != nil || !slices.Equal(versions, []int{1, 2}) {
		return fmt.Errorf("versions: %v, %w", versions, err)
	}
	for _, s := range []string{other, subject} {
		for _, how := range []sr.DeleteHow{sr.SoftDelete, sr.HardDelete} {
			if _, err := c.DeleteSubject(ctx, s, how); err != nil {
				return fmt.Errorf("delete %s: %w", s, err)
			}
		}
	}
	_, err = c.SchemaByID(ctx, two.ID)
	if refused := (*sr.ResponseError)(nil); !errors.As(err, &refused) || refused.ErrorCode != 40403 {
		return fmt.Errorf("a schema that was deleted for good is still there: %w", err)
	}
	for _, result := range c.ResetCompatibility(ctx, subject) {
		if result.Err != nil {
			return fmt.Errorf("reset level: %w", result.Err)
		}
	}
	for _, result := range c.Mode(ctx) {
		if result.Err != nil || result.Mode != sr.ModeReadWrite {
			return fmt.Errorf("mode: %v, %w", result.Mode, result.Err)
		}
	}
	return nil
}
