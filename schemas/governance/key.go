package governance

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"github.com/lienthong/truc/problem"
)

// Key is a public key by which others know whose standards these are.
type Key struct {
	Name   string
	Public ed25519.PublicKey
}

// Forms of the lines in key files: "truc-public-1 NAME BASE64".
const (
	publicForm  = "truc-public-1"
	privateForm = "truc-private-1"
)

var keyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// NewKey makes a key pair: two lines, each for a file of its own. The name is who signs, "bo-tu-phap" or "H44".
func NewKey(name string) (private, public string, err error) {
	if !keyName.MatchString(name) {
		return "", "", problem.Problem{Code: "governance.key", Where: name, What: problem.Say("%q is no name of a key", name), Fix: problem.Say("write letters without marks, digits and . _ - only, such as H44")}
	}
	pub, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		return "", "", fmt.Errorf("make key: %w", err)
	}
	line := func(form string, key []byte) string {
		return form + " " + name + " " + base64.StdEncoding.EncodeToString(key) + "\n"
	}
	return line(privateForm, priv.Seed()), line(publicForm, pub), nil
}

func (k Key) line() string {
	return publicForm + " " + k.Name + " " + base64.StdEncoding.EncodeToString(k.Public) + "\n"
}

// PrivateKey reads what NewKey made. where is how findings call the file; they never hold its content.
func PrivateKey(where string, text []byte) (name string, key ed25519.PrivateKey, err error) {
	fields := strings.Fields(string(text))
	if len(fields) == 3 && fields[0] == privateForm && keyName.MatchString(fields[1]) {
		if seed, err := base64.StdEncoding.DecodeString(fields[2]); err == nil && len(seed) == ed25519.SeedSize {
			return fields[1], ed25519.NewKeyFromSeed(seed), nil
		}
	}
	return "", nil, problem.Problem{Code: "governance.key", Where: where, What: problem.Say("the file is no private key"), Fix: problem.Say("name the .key file that truc schema key made")}
}

// PublicKeys reads lines of public keys; empty ones and those that begin with # are passed over.
func PublicKeys(where string, text []byte) ([]Key, error) {
	var keys []Key
	n := 0
	for line := range strings.Lines(string(plain(text))) {
		n++
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		var raw []byte
		if len(fields) == 3 && fields[0] == publicForm && keyName.MatchString(fields[1]) {
			raw, _ = base64.StdEncoding.DecodeString(fields[2])
		}
		if len(raw) != ed25519.PublicKeySize {
			return nil, problem.Problem{Code: "governance.key", Where: fmt.Sprintf("%s:%d:1", where, n), What: problem.Say("the line is no public key"), Fix: problem.Say("name the .pub file that truc schema key made where the bundle comes from")}
		}
		keys = append(keys, Key{fields[1], raw})
	}
	return keys, nil
}
