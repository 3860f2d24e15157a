package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/spf13/cobra"

	"segments/pipeline/warehouse/duckdb"
)

// version is set by the linker.
var version = "dev"

// codeVersion is the version, with a digest of the program: two builds of other code never have the same one.
var codeVersion = sync.OnceValue(func() string {
	file, err := os.Executable()
	if err != nil {
		return version
	}
	f, err := os.Open(file)
	if err != nil {
		return version
	}
	defer f.Close() //nolint:errcheck // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return version
	}
	return version + "+" + hex.EncodeToString(h.Sum(nil))[:12]
})

// A build is what the program was made of.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source, where it was built in a checkout with -buildvcs
	Go       string `json:"go"`
	DuckDB   string `json:"duckdb"` // the engine that is linked in
	Platform string `json:"platform"`
}

func thisBuild() build {
	b := build{Version: codeVersion(), Go: runtime.Version(), DuckDB: duckdb.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Long: "Print the version, with a digest of the program. With -o json also the revision, and the versions of Go and DuckDB.",
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			switch a.format {
			case "json":
				return a.json(b)
			case "csv":
				l := &listing{headers: []string{"version", "revision", "go", "duckdb", "platform"}}
				l.add(b.Version, b.Revision, b.Go, b.DuckDB, b.Platform)
				return a.show(l)
			}
			_, err := fmt.Fprintf(a.out, "segments %s %s %s\n", b.Version, b.Platform, b.Go)
			return err
		},
	}
}
