package main

import (
	"fmt"
	"os"
	"path/filepath"

	"segments/pipeline/config"
)

// inUse returns an error where path is a file that the job of c lives on: what is written there would destroy it.
func (a *app) inUse(c *config.Config, path string) error {
	for _, used := range a.usedFiles(c) {
		if sameFile(path, used.path) {
			return fmt.Errorf("%s is %s: choose another file", path, used.what)
		}
	}
	return nil
}

// A usedFile is a file that nothing may be written over, and what it is.
type usedFile struct{ path, what string }

// usedFiles are the configuration and the files that it names.
func (a *app) usedFiles(c *config.Config) []usedFile {
	all := []usedFile{{a.configFile, "the configuration"}}
	for _, node := range c.Warehouse {
		var file struct {
			Path string `yaml:"path" json:"path"`
		}
		_ = c.Section(node)(&file) // its other keys are no mistake; one without a path is no file
		if file.Path != "" {
			path := c.Path(file.Path)
			all = append(all, usedFile{path, "the warehouse"}, usedFile{path + ".wal", "a part of the warehouse"},
				usedFile{path + ".lock", "the lock of the warehouse"})
		}
	}
	for _, s := range c.SQLSources() {
		paths, err := filepath.Glob(s.From)
		if err != nil || len(paths) == 0 {
			paths = []string{s.From}
		}
		for _, p := range paths {
			all = append(all, usedFile{p, "read as sources." + s.Name})
		}
	}
	for _, f := range []usedFile{{c.Report.Content, "read as report.content"}, {c.Notify.WebhookFile, "read as notify.webhook_file"}} {
		if f.path != "" {
			all = append(all, usedFile{c.Path(f.path), f.what})
		}
	}
	return all
}

// sameFile says whether two paths lead to one file, be it by a link. A file that is not there yet is known by its path.
func sameFile(a, b string) bool {
	if x, err := os.Stat(a); err == nil {
		y, err := os.Stat(b)
		return err == nil && os.SameFile(x, y)
	}
	a, errA := filepath.Abs(a)
	b, errB := filepath.Abs(b)
	return errA == nil && errB == nil && a == b
}
