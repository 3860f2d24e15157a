package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/spf13/cobra"
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

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.out, "segments %s %s/%s %s\n", codeVersion(), runtime.GOOS, runtime.GOARCH, runtime.Version())
			return err
		},
	}
}
