// Package console is the operator's page: its own listener, its own accounts, and what it shows of the stations. It knows
// none of them: app hands in what to show.
package console

import "time"

// Station is one place on the path of a request, as it is now: on the console's page Path and in roundtrip status.
type Station struct {
	Layer    string  `json:"layer"` // dns, firewall, tls, route, proxy, auth, access, store, stream, webhook …
	Title    string  `json:"title"`
	State    State   `json:"state"`
	Sentence string  `json:"sentence"`        // how it is: "3 zones, 12,040 answers, 3 refused"
	Fix      string  `json:"fix,omitempty"`   // what to do where it is not well
	Where    string  `json:"where,omitempty"` // the line of the declaration: FILE:LINE:COLUMN
	Tables   []Table `json:"tables,omitempty"`

	Since time.Time `json:"since,omitzero"` // when what it warns of was last seen in a request; zero where no request is why
}

// State says how well something is.
type State string

// The states, the best first.
const (
	Off  State = "off"  // not declared, or not needed: nothing is wrong
	Well State = "well" // it does what it is for
	Warn State = "warn" // it does, but somebody should look
	Down State = "down" // it does not
)

// Table is a list within a station: zones, rules with their counters, certificates, upstreams, who holds a connection.
type Table struct {
	Title   string   `json:"title"`
	Columns []string `json:"columns"`
	Rows    []Row    `json:"rows"`
}

// Row is one line of a [Table]: a cell for each column.
type Row struct {
	State State    `json:"state"`
	Cells []string `json:"cells"`
	Note  string   `json:"note,omitempty"` // what is wrong, or what to do
	Where string   `json:"where,omitempty"`
}

// Overview is the first screen: is it well, and if not, which station?
type Overview struct {
	Name     string    `json:"name"` // of the declaration
	State    State     `json:"state"`
	Sentence string    `json:"sentence"`
	Config   uint32    `json:"config"`            // the generation in force
	Refused  string    `json:"refused,omitempty"` // why the file on the disk is not in force, "" where it is
	Stations []Station `json:"stations"`
}
