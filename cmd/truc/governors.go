package main

import (
	"net/http"
	"os"
	"path/filepath"

	"github.com/lienthong/truc/portal/governanceapi"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/governance"
)

// governors is the interface by which the people of the configuration decide about its folders of datasets; nil without any.
func (n *node) governors() http.Handler {
	if len(n.config.Registry.People) == 0 {
		return nil
	}
	o := governanceapi.Options{Open: func() ([]*governance.Folder, func(), error) { return openStandards(n.config.Datasets) }}
	for _, p := range n.config.Registry.People {
		o.People = append(o.People, governanceapi.Person{Person: governance.Person{Name: p.Name, Email: p.Email}, Token: p.Token})
	}
	return governanceapi.New(o)
}

// openStandards reads folders of standards, each beside the others.
func openStandards(dirs []string) (folders []*governance.Folder, done func(), err error) {
	var roots []*os.Root
	done = func() {
		for _, r := range roots {
			_ = r.Close()
		}
	}
	var beside []schemas.Folder
	for _, dir := range dirs {
		root, err := openFolder(dir)
		if err != nil {
			done()
			return nil, nil, err
		}
		roots = append(roots, root)
		beside = append(beside, schemas.Folder{Name: filepath.ToSlash(displayed(dir)), FS: root.FS()})
	}
	for i, dir := range dirs {
		others := append(append([]schemas.Folder{}, beside[:i]...), beside[i+1:]...)
		f, err := governance.Open(dir, displayed(dir), others...)
		if err != nil {
			done()
			return nil, nil, err
		}
		folders = append(folders, f)
	}
	return folders, done, nil
}
