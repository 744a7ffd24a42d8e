package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/lienthong/truc/problem"
)

// checkMachine reports what the configuration wants of this machine and cannot have: certificates, the folder of the
// embedded bus, the address of the portal. It asks no server.
func (n *node) checkMachine(ctx context.Context) problem.List {
	problems := n.checkTLSFiles()
	if e := n.config.Bus.Embedded; e != nil && !n.config.Faulty("bus") {
		if what, fix := folderFault(e.Dir); !what.Empty() {
			problems = append(problems, problem.Problem{Code: "config.bus-dir", Where: n.config.Where("bus.embedded.dir"), What: what, Fix: fix})
		}
	}
	problems = append(problems, n.checkListen(ctx, "http.listen", n.config.HTTP.Listen)...)
	if listen := n.config.Registry.Listen; listen != "" {
		problems = append(problems, n.checkListen(ctx, "registry.listen", listen)...)
	}
	return problems
}

// checkTLSFiles reports certificates that cannot be used, by the key that names them.
func (n *node) checkTLSFiles() problem.List {
	if n.config.Bus.Kafka == nil {
		return nil
	}
	var problems problem.List
	report := func(key string, what, fix problem.Text) {
		problems = append(problems, problem.Problem{Code: "config.unreadable", Where: n.config.Where("bus.kafka.tls." + key), What: what, Fix: fix})
	}
	files := n.config.Bus.Kafka.TLS
	read := map[string][]byte{}
	for _, f := range []struct{ key, path string }{{"ca", files.CA}, {"cert", files.Cert}, {"key", files.Key}} {
		if f.path == "" {
			continue
		}
		data, err := readSmall(f.path)
		if err != nil {
			report(f.key, problem.Say("the file %s cannot be read: %v", displayed(f.path), err), problem.Say("correct the path, or give the user that runs truc the right to read it"))
			continue
		}
		read[f.key] = data
	}
	if ca, ok := read["ca"]; ok && !x509.NewCertPool().AppendCertsFromPEM(ca) {
		report("ca", problem.Say("the file %s holds no certificate", displayed(files.CA)), problem.Say("name a file in PEM form, with -----BEGIN CERTIFICATE-----"))
	}
	if read["cert"] != nil && read["key"] != nil {
		if _, err := tls.X509KeyPair(read["cert"], read["key"]); err != nil {
			report("cert", problem.Say("%s and %s are not a certificate and its key", displayed(files.Cert), displayed(files.Key)), problem.Say("name the two files in PEM form that belong together; the key without passphrase"))
		}
	}
	return problems
}

// unreadableError says why a file cannot be read.
type unreadableError struct{ why problem.Text }

func (e *unreadableError) Error() string { return e.why.EN }

// Text implements problem.Spoken.
func (e *unreadableError) Text() problem.Text { return e.why }

func unreadable(why problem.Text) error { return &unreadableError{why} }

// maxSmall bounds the files that a configuration names: mappings and certificates are pages, not disks.
const maxSmall = 4 << 20

// readSmall reads a file a person wrote. A device, a pipe or something huge would keep truc busy for ever. Its errors say why
// in a few words and do not repeat the path.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
	case info.IsDir():
		return nil, unreadable(problem.Say("it is a folder"))
	case !info.Mode().IsRegular():
		return nil, unreadable(problem.Say("it is no file but a device or a pipe"))
	case info.Size() > maxSmall:
		return nil, unreadable(problem.Say("it is larger than 4 MiB"))
	}
	data, err := os.ReadFile(path)
	var p *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fs.ErrNotExist
	case errors.Is(err, fs.ErrPermission):
		return nil, unreadable(problem.Say("this user may not read it"))
	case errors.As(err, &p):
		return nil, p.Err
	}
	return data, err
}

// folderFault says why a folder cannot be used or made, without making it.
func folderFault(dir string) (what, fix problem.Text) {
	another := problem.Say("name another folder")
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case errors.Is(err, fs.ErrPermission):
			return problem.Say("the folder %s may not be entered by this user", displayed(at)), problem.Say("give the user that runs truc the right to it, or %s", another)
		case err != nil: // not there, or below a file: its parent says which
			if filepath.Dir(at) == at {
				return problem.Text{}, problem.Text{}
			}
		case !info.IsDir():
			return problem.Say("%s is a file, a folder is needed", displayed(at)), another
		case !writable(at):
			return problem.Say("the folder %s may not be written by this user", displayed(at)), problem.Say("give the user that runs truc the right to it, or %s", another)
		default:
			return problem.Text{}, problem.Text{}
		}
	}
}

// checkListen tries an address that the configuration names. That it is taken is no fault: the node may be running.
func (n *node) checkListen(ctx context.Context, path, address string) problem.List {
	if n.config.Faulty(path) {
		return nil
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		_ = listener.Close()
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return n.listenProblem(path, problem.Say("this machine has no address %s", address), problem.Say("name an address of this machine, 127.0.0.1:8080 for itself alone or :8080 for all"))
	case errors.Is(err, fs.ErrPermission):
		return n.listenProblem(path, problem.Say("this user may not listen on %s", address), problem.Say("name a port above 1023, or give the user the right"))
	}
	return nil
}

func (n *node) listenProblem(path string, what, fix problem.Text) problem.List {
	return problem.List{{Code: "config.listen", Where: n.config.Where(path), What: what, Fix: fix}}
}
