package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"segments/sql/looker"
	"segments/transforms/frame"
)

// projectCommand returns the command that prints the files that generate makes of the tables, or writes them to --dir.
// Each of them begins with header.
func (a *app) projectCommand(use, example, header string, generate func([]frame.Table) ([]looker.File, error)) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: use, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			tables, err := declared()
			if err != nil {
				return err
			}
			files, err := generate(tables)
			if err != nil {
				return err
			}
			if dir == "" {
				for i, f := range files {
					if len(files) > 1 {
						fmt.Fprintf(a.out, "%s# ---- %s\n", strings.Repeat("\n", min(i, 1)), f.Path)
					}
					fmt.Fprint(a.out, f.Text)
				}
				return nil
			}
			if err := writeProject(dir, header, files); err != nil {
				return err
			}
			fmt.Fprintf(a.err, "wrote %d files to %s\n", len(files), dir)
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "write the files to this folder, for example "+example)
	return c
}

// writeProject writes files to dir, and removes those of its folders that are no longer among them. What does not begin
// with header was written by somebody else: where that is in the way, nothing is written at all.
func writeProject(dir, header string, files []looker.File) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return usageError{fmt.Errorf("--dir: %w", err)}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return usageError{fmt.Errorf("--dir: %w", err)}
	}
	defer func() { _ = root.Close() }()
	generated := func(path string) (bool, error) {
		text, err := root.ReadFile(path)
		return strings.HasPrefix(string(text), header), err
	}
	folders := map[string]bool{}
	for _, f := range files {
		folders[filepath.Dir(f.Path)] = true
		if ours, err := generated(f.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return usageError{fmt.Errorf("--dir: %w", err)}
		} else if err == nil && !ours {
			return usageError{fmt.Errorf("--dir: %s is not a file that this command wrote: move it or name another folder; nothing was written",
				filepath.Join(dir, f.Path))}
		}
	}
	for folder := range folders {
		there, err := fs.ReadDir(root.FS(), filepath.ToSlash(folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range there {
			path := filepath.Join(folder, e.Name())
			if !e.Type().IsRegular() || slices.ContainsFunc(files, func(f looker.File) bool { return filepath.Clean(f.Path) == path }) {
				continue
			}
			if ours, err := generated(path); err != nil || !ours {
				continue // what cannot be read is not ours either
			}
			if err := root.Remove(path); err != nil {
				return err
			}
		}
	}
	for _, f := range files {
		if err := root.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
			return err
		}
		if err := root.WriteFile(f.Path, []byte(f.Text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
