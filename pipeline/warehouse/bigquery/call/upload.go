package call

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"
)

// Files up to the first size go in one request, which is sent whole again if it fails. A larger one goes in chunks, of
// which each is sent again by itself; every upload then holds one chunk in memory.
const (
	oneRequest = 64 << 20 // bytes
	chunk      = 16 << 20
)

var errStalled = errors.New("the upload has not moved")

// upload starts the job that loads a file, which it opens anew: the client library cannot send a reader twice.
func (c *Client) upload(ctx context.Context, l Load, size int64, digest, id string) (*bigquery.Job, error) {
	f, err := os.Open(l.File)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it is only read
	patience := c.o.Timeout
	media := []googleapi.MediaOption{googleapi.ContentType("application/vnd.apache.parquet"), googleapi.ChunkSize(0)}
	if size > c.oneRequest {
		patience *= 3 // the file is not read while a chunk is under way
		media = append(media, googleapi.ChunkSize(c.chunk), googleapi.ChunkTransferTimeout(c.o.Timeout),
			googleapi.ChunkRetryDeadline(2*c.o.Timeout))
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(patience, func() { cancel(errStalled) })
	defer stalled.Stop()

	source := bigquery.NewReaderSource(moving{f, func() { stalled.Reset(patience) }})
	source.SourceFormat, source.Schema = bigquery.Parquet, l.Schema
	load := l.Into.LoaderFrom(source)
	load.JobID, load.Location, load.Labels = id, c.o.Location, c.labels(l.Step, digest)
	load.WriteDisposition, load.CreateDisposition = bigquery.WriteTruncate, bigquery.CreateIfNeeded
	load.MediaOptions = media
	job, err := load.Run(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		err = errStalled
	}
	return job, err
}

// moving tells that a reader is read.
type moving struct {
	io.Reader
	moved func()
}

func (m moving) Read(p []byte) (int, error) {
	m.moved()
	return m.Reader.Read(p)
}
