package adapters

// Local is implemented by sources and sinks whose data are files of this machine. It is asked before Open.
type Local interface {
	// Folders are the absolute folders in which the node must be able to write.
	Folders() []string
}
