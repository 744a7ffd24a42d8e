package config

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/lienthong/truc/problem"
)

// maxDatasetFolders is far more than anybody has: each is read at every start.
const maxDatasetFolders = 50

// checkDatasets looks at the list only: what is in the folders is for those who know standards.
func (c *Config) checkDatasets() {
	if len(c.Datasets) > maxDatasetFolders {
		c.bad("datasets", problem.Say("the list has %d folders, %d are possible", len(c.Datasets), maxDatasetFolders), problem.Say("put several datasets into one folder"))
	}
	for i, folder := range c.Datasets {
		same := func(other string) bool { return other != "" && resolvePath(c.Dir, other) == resolvePath(c.Dir, folder) }
		if folder != "" && slices.ContainsFunc(c.Datasets[:i], same) {
			c.bad(fmt.Sprintf("datasets[%d]", i), problem.Say("the folder is in the list twice"), problem.Say("remove one of the two"))
		}
	}
}

// completeDatasets resolves the folders.
func (c *Config) completeDatasets() {
	for i, folder := range c.Datasets {
		if folder != "" {
			c.Datasets[i] = filepath.Clean(resolvePath(c.Dir, folder))
		}
	}
}
