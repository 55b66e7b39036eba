// Command peer is PocketBase as it ships, with one command more: seed, which fills an empty data folder with the
// records of the benchmark. It is a module of its own, so that nothing of it reaches Roundtrip's dependencies.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/core"
	"github.com/spf13/cobra"
)

func main() {
	app := pocketbase.New()
	app.RootCmd.AddCommand(seedCommand(app))
	if err := app.Start(); err != nil {
		log.Fatal(err)
	}
}

// seedCommand prints the ids that it made, one a line: first those of the people, then those of the photos.
func seedCommand(app *pocketbase.PocketBase) *cobra.Command {
	return &cobra.Command{
		Use:   "seed PEOPLE PHOTOS CAPTION",
		Short: "fill the data folder for the benchmark",
		Args:  cobra.ExactArgs(3),
		RunE: func(_ *cobra.Command, args []string) error {
			people, err := strconv.Atoi(args[0])
			if err != nil {
				return err
			}
			photos, err := strconv.Atoi(args[1])
			if err != nil {
				return err
			}
			return seed(app, people, photos, args[2])
		},
	}
}

func seed(app core.App, people, photos int, caption string) error {
	persons, shots, err := collections(app)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	err = app.RunInTransaction(func(tx core.App) error {
		ids := make([]string, people)
		for i := range ids {
			r := core.NewRecord(persons)
			r.Set("handle", fmt.Sprintf("person%d", i))
			if err := tx.Save(r); err != nil {
				return err
			}
			ids[i] = r.Id
			fmt.Fprintln(out, r.Id)
		}
		for i := range photos {
			r := core.NewRecord(shots)
			r.Set("author", ids[i%people])
			r.Set("caption", fmt.Sprintf("%d %s", i, caption))
			if err := tx.Save(r); err != nil {
				return err
			}
			fmt.Fprintln(out, r.Id)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// collections declares what test/bench/roundtrip.yaml declares, rule by rule and index by index.
func collections(app core.App) (persons, shots *core.Collection, err error) {
	anybody, shown := "", "private = false"

	persons = core.NewBaseCollection("people")
	persons.Fields.Add(&core.TextField{Name: "handle", Required: true, Max: 30})
	persons.AddIndex("people_handle", true, "handle", "")
	persons.ViewRule, persons.ListRule = &anybody, &anybody
	if err = app.Save(persons); err != nil {
		return nil, nil, err
	}

	shots = core.NewBaseCollection("photos")
	shots.Fields.Add(
		&core.RelationField{Name: "author", CollectionId: persons.Id, Required: true, MaxSelect: 1, CascadeDelete: true},
		&core.TextField{Name: "caption", Max: 2200},
		&core.BoolField{Name: "private"},
		&core.AutodateField{Name: "created", OnCreate: true},
		&core.AutodateField{Name: "updated", OnCreate: true, OnUpdate: true},
	)
	shots.AddIndex("photos_created", false, "created", "")
	shots.AddIndex("photos_author_created", false, "author, created", "")
	shots.ViewRule, shots.ListRule, shots.CreateRule = &shown, &shown, &anybody
	if err = app.Save(shots); err != nil {
		return nil, nil, err
	}
	return persons, shots, superuser(app)
}

// superuser makes the administrator without whom PocketBase starts its installer.
func superuser(app core.App) error {
	c, err := app.FindCollectionByNameOrId(core.CollectionNameSuperusers)
	if err != nil {
		return err
	}
	r := core.NewRecord(c)
	r.SetEmail("bench@example.com")
	r.SetPassword("roundtrip-bench")
	return app.Save(r)
}
