package docs

import "testing"

// TestGovernance follows the afternoon of the standards team. It needs git, and no server.
func TestGovernance(t *testing.T) {
	newGuide(t, "docs/schema-governance.md", build(t), "", nil).follow()
}
