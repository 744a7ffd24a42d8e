package main

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/governance"
)

// defineDir adds --dir to a verb that works on a folder of standards.
func defineDir(fs *flag.FlagSet) *string {
	return fs.String("dir", "", "thư mục chuẩn `DIR`; nếu không nêu: thư mục ở datasets: của truc.yaml gần nhất, rồi thư mục này / the folder of standards `DIR`; without it the one under datasets: of the nearest truc.yaml, then this folder")
}

// standards opens the folder of standards that a verb works on. done must be called when nothing more is asked of it.
func (p *program) standards(dir string) (f *governance.Folder, done func(), err error) {
	var roots []*os.Root
	done = func() {
		for _, r := range roots {
			_ = r.Close()
		}
	}
	configured := p.configuredDatasets()
	switch {
	case dir != "":
	case len(configured) == 1:
		dir = configured[0]
	case len(configured) > 1:
		return nil, done, &usageError{what: problem.Say("the configuration names %d folders of datasets", len(configured)), fix: problem.Say("say which one is meant: --dir %s", displayed(configured[0]))}
	default:
		dir = "."
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, done, &usageError{what: problem.Say("the folder of datasets %s does not exist", dir), fix: problem.Say("name the folder that holds <dataset>/v<major>/schema.json, or create it: mkdir %s", dir)}
	case err == nil && !info.IsDir():
		return nil, done, &usageError{what: problem.Say("%s is no folder", dir), fix: problem.Say("name the folder that holds <dataset>/v<major>/schema.json")}
	}
	whole, err := filepath.Abs(dir)
	if err != nil {
		return nil, done, err
	}
	var beside []schemas.Folder
	for _, path := range configured {
		if path == whole {
			continue
		}
		root, err := openFolder(path)
		if err != nil {
			done()
			return nil, func() {}, problem.List{folderProblem(err, displayed(path), "datasets")}
		}
		roots = append(roots, root)
		beside = append(beside, schemas.Folder{Name: filepath.ToSlash(displayed(path)), FS: root.FS()})
	}
	f, err = governance.Open(dir, displayed(whole), beside...)
	return f, done, err
}

// allStandards are the standards that an export or a site tells of, those that come with truc always among them: the folder --dir, or
// else the folders of the configuration, or else this one when it holds datasets. done must be called when nothing more is asked of them.
func (p *program) allStandards(dir string) (set *schemas.Set, folders []*governance.Folder, done func(), err error) {
	configured := p.configuredDatasets()
	if dir != "" || p.configFile == "" && len(configured) == 0 && holdsDatasets(".") {
		f, done, err := p.standards(dir)
		if err != nil {
			return nil, nil, done, err
		}
		set, err := f.Set()
		return set, []*governance.Folder{f}, done, err
	}
	set, problems := p.datasetsFor(".")
	if err := problems.Err(); err != nil {
		return nil, nil, func() {}, problems
	}
	folders, done, err = openStandards(configured)
	return set, folders, done, err
}

// holdsDatasets reports whether something in a folder looks like a dataset.
func holdsDatasets(dir string) bool {
	found, err := filepath.Glob(filepath.Join(dir, "*", "v[1-9]*", "schema.json"))
	return err == nil && len(found) > 0
}

// configuredDatasets are the folders of datasets of the configuration that -c names, or else of the nearest truc.yaml.
func (p *program) configuredDatasets() []string {
	c := p.nearestConfig()
	if c == nil || c.Faulty("datasets") {
		return nil
	}
	return c.Datasets
}

// decision is who decides now: the author as git knows him, for the history stands beside the schemas in its repository.
func (p *program) decision(ctx context.Context, dir, why string) (governance.Decision, error) {
	if dir == "" {
		dir = "."
		if configured := p.configuredDatasets(); len(configured) == 1 {
			dir = configured[0]
		}
	}
	missing := func(what, fix problem.Text) error {
		return problem.Problem{Code: "governance.author", Where: dir, What: what, Fix: fix}
	}
	if _, err := git(ctx, dir, "rev-parse", "--is-inside-work-tree"); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return governance.Decision{}, missing(problem.Say("git is not installed here, and the author of a decision is whom git names"), problem.Say("install git, and keep the standards in a repository"))
		}
		if failed, told := errors.AsType[*exec.ExitError](err); told && strings.Contains(string(failed.Stderr), "dubious ownership") {
			_, named, _ := strings.Cut(string(failed.Stderr), "safe.directory ") // git says itself what would do
			place, _, _ := strings.Cut(named, "\n")
			return governance.Decision{}, missing(problem.Say("git does not work in this repository, because it belongs to another user"),
				problem.Say("work in a clone of your own; or, if you trust it: git config --global --add safe.directory %s", place))
		}
		return governance.Decision{}, missing(problem.Say("the folder of standards is in no git repository, where its history would be kept"), problem.Say("git init, or name the folder in a repository with --dir"))
	}
	name, _ := git(ctx, dir, "config", "user.name")
	email, _ := git(ctx, dir, "config", "user.email")
	if name == "" || email == "" {
		return governance.Decision{}, missing(problem.Say("git does not know who you are, and the history names who decided"),
			problem.Say("git config user.name 'Nguyễn Văn Mẫu' && git config user.email mau@coquan.example"))
	}
	return governance.Decision{By: governance.Person{Name: name, Email: email}, At: time.Now(), Why: why}, nil
}

// git asks git in a folder, and returns the first line it says.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C") // what it says is looked at
	out, err := cmd.Output()
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line), err
}
