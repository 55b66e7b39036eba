package app

import "github.com/roundtrip-dev/roundtrip/trace"

// Recorder gives tests the journeys: they are the oracle of what happened.
func (a *App) Recorder() *trace.Recorder { return a.recorder }

// Folder is where the declaration lies.
func (a *App) Folder() string { return a.options.File }
