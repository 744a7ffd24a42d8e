package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// loadDatasets reads the datasets that are built in and those in the folders of the configuration. When one of them is wrong
// the set has the built-in ones only; it is never nil unless this binary is defective.
func loadDatasets(c *config.Config) (*schemas.Set, problem.List) {
	var problems problem.List
	var folders []schemas.Folder
	if c != nil && !c.Faulty("datasets") {
		for i, path := range c.Datasets {
			root, err := openFolder(path)
			if err != nil {
				problems = append(problems, folderProblem(err, displayed(path), c.Where(fmt.Sprintf("datasets[%d]", i))))
				continue
			}
			defer root.Close()
			folders = append(folders, schemas.Folder{Name: filepath.ToSlash(displayed(path)), FS: root.FS()})
		}
	}
	if problems == nil && folders != nil {
		set, err := schemas.LoadFolders(folders...)
		if err == nil {
			return set, nil
		}
		problems = problemsOf(err, c.Where("datasets"), "schema.folder", problem.Say("correct what is in the folder"))
	}
	set, err := schemas.Builtin()
	if err != nil {
		return nil, problemsOf(err, "", "schemas.builtin", problem.Say("this binary is defective: install it anew"))
	}
	return set, problems
}

// openFolder opens a folder so that nothing outside of it can be read through it. It says first what is no folder: opening a
// pipe would wait for its other end.
func openFolder(path string) (*os.Root, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, errNoFolder
	}
	return os.OpenRoot(path)
}

var errNoFolder = errors.New("it is no folder")

func folderProblem(err error, name, where string) problem.Problem {
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return problem.Problem{
			Code: "config.datasets", Where: where, What: problem.Say("the folder of datasets %s does not exist", name),
			Fix: problem.Say("correct the path (it is relative to the configuration file), or remove it"),
		}
	case errors.Is(err, errNoFolder):
		return problem.Problem{
			Code: "config.datasets", Where: where, What: problem.Say("%s is no folder", name),
			Fix: problem.Say("name the folder that holds <dataset>/v<major>/schema.json"),
		}
	case errors.As(err, &at):
		err = at.Err // the path is named already
	}
	return problem.Problem{
		Code: "config.datasets", Where: where, What: problem.Say("the folder of datasets %s cannot be read: %v", name, err),
		Fix: problem.Say("give the user that runs truc the right to read it"),
	}
}

// datasetsFor reads the datasets that a mapping may name which is given without its pipeline: those of the configuration that
// -c names, or else of the nearest truc.yaml in its folder or above, or else of $TRUC_CONFIG. What is wrong with other parts of
// that configuration does not matter here.
func (p *program) datasetsFor(path string) (*schemas.Set, problem.List) {
	file := p.configFile
	if file == "" {
		file = configAround(path)
	}
	if file == "" {
		file, _ = p.env("TRUC_CONFIG")
	}
	if file == "" {
		return loadDatasets(nil)
	}
	c, problems := config.Load(file, p.env)
	if c == nil {
		if p.configFile == "" {
			return loadDatasets(nil) // it was not asked for, and truc check tells
		}
		return nil, problems
	}
	p.stderr = newRedactor(p.stderr, c.Secrets())
	if c.Faulty("datasets") {
		return nil, about(problems, " datasets")
	}
	return loadDatasets(c)
}

// configAround is the nearest truc.yaml in a folder or above it, or "".
func configAround(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for {
		file := filepath.Join(dir, "truc.yaml")
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
		above := filepath.Dir(dir)
		if above == dir {
			return ""
		}
		dir = above
	}
}
