package call

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"

	"segments/pipeline/warehouse"
)

// A fault is what BigQuery says of a failure, in an HTTP answer or as the error of a job.
// Reasons: https://cloud.google.com/bigquery/docs/error-messages.
type fault struct {
	code    int // of HTTP; 0 for the error of a job, and where there was no answer
	reason  string
	message string
}

func faultOf(err error) fault {
	var h *googleapi.Error
	var j *bigquery.Error
	switch {
	case errors.As(err, &h):
		f := fault{code: h.Code, message: h.Message}
		if len(h.Errors) > 0 {
			f.reason = h.Errors[0].Reason
		}
		if f.message == "" {
			f.message = fmt.Sprintf("HTTP %d %s", h.Code, http.StatusText(h.Code))
		}
		return f
	case errors.As(err, &j):
		return fault{reason: j.Reason, message: j.Message}
	}
	return fault{message: err.Error()}
}

// again are the reasons for which BigQuery says to try again.
var again = []string{
	"backendError", "internalError", "rateLimitExceeded", "jobBackendError", "jobInternalError", "jobRateLimitExceeded",
}

// aborted is about a transaction or a statement that others' writing has ended.
func (f fault) aborted() bool { return strings.Contains(f.message, "due to concurrent update") }

// retryable is about a job that failed: whether another may succeed. Who calls has not stopped it.
func (f fault) retryable() bool {
	return slices.Contains(again, f.reason) || f.reason == "stopped" || f.aborted()
}

// lost is about a call that failed: whether it may have taken effect, or may succeed if made again. What is not known
// to be otherwise is: a broken connection has many names.
func lost(err error) bool {
	f := faultOf(err)
	switch {
	case f.code == http.StatusRequestTimeout, f.code == http.StatusTooManyRequests, f.code >= 500:
		return true
	case f.code != 0:
		return slices.Contains(again, f.reason)
	}
	var file *fs.PathError
	return !errors.As(err, &file) && !refused(err) && !strings.HasPrefix(f.message, "bigquery: ") // the client's own checks
}

// refused is about getting a token: whether the credentials are to blame.
func refused(err error) bool {
	var e *auth.Error
	if !errors.As(err, &e) || e.Response == nil {
		return false
	}
	c := e.Response.StatusCode
	return c == http.StatusBadRequest || c == http.StatusUnauthorized || c == http.StatusForbidden
}

func exists(err error) bool  { return faultOf(err).code == http.StatusConflict }
func missing(err error) bool { return err != nil && faultOf(err).code == http.StatusNotFound }
func changed(err error) bool { return faultOf(err).code == http.StatusPreconditionFailed }

// explain makes the error that callers see of one that is final.
func explain(what string, err error) error {
	f := faultOf(err)
	message := line(f.message)
	if f.aboutValues() {
		message = withoutValues(message)
	}
	if kind := f.kind(err); kind != nil {
		return fmt.Errorf("%s: %w: %s", what, kind, message)
	}
	return fmt.Errorf("%s: %s", what, message)
}

func (f fault) kind(err error) error {
	switch f.reason {
	case "bytesBilledLimitExceeded", "quotaExceeded":
		return warehouse.ErrBudget
	case "accessDenied":
		return warehouse.ErrPermission
	case "notFound":
		return warehouse.ErrNotFound
	}
	switch {
	case f.code == http.StatusUnauthorized, f.code == http.StatusForbidden, refused(err), errors.Is(err, fs.ErrPermission):
		return warehouse.ErrPermission
	case f.code == http.StatusNotFound, errors.Is(err, fs.ErrNotExist), f.unknownName():
		return warehouse.ErrNotFound
	}
	return nil
}

// unknownName is about a query that names what is not there, for which BigQuery has no reason of its own.
func (f fault) unknownName() bool {
	return strings.HasPrefix(f.message, "Unrecognized name: ") || strings.HasPrefix(f.message, "Not found: ") ||
		strings.HasPrefix(f.message, "Name ") && strings.Contains(f.message, " not found inside ")
}

// ofValues begins what BigQuery says of a value that a query cannot compute with, which it quotes.
var ofValues = regexp.MustCompile(`(?i)^(?:query error: )?(?:bad |could not |cannot |failed to |invalid |unable to |division by zero|` +
	`\w+ (?:overflow|out of range|value)|.* is out of (?:range|supported range)|error while reading data)`)

// aboutValues is about a query that failed at its data rather than at its text.
func (f fault) aboutValues() bool {
	return (f.reason == "invalidQuery" || f.reason == "invalid") && ofValues.MatchString(f.message) && !f.unknownName()
}

var (
	quotedValue = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	afterColon  = regexp.MustCompile(`(value|string|timestamp|date|number)s?:? [^;]*`)
)

// withoutValues is a message without the customers' values that it quotes: messages are logged, and kept in the ledger.
func withoutValues(message string) string {
	return afterColon.ReplaceAllString(quotedValue.ReplaceAllString(message, "a value"), "$1 …")
}

// temporary is the error of what is still unknown, or still failing, at the end of all patience.
func temporary(what, how string, err error) error {
	return fmt.Errorf("%s: %w: %s: %s", what, warehouse.ErrTemporary, how, line(faultOf(err).message))
}

// ended is the error of a call whose context has ended.
func ended(ctx context.Context, what string) error { return fmt.Errorf("%s: %w", what, ctx.Err()) }

// line makes text one line.
func line(text string) string { return strings.Join(strings.Fields(text), " ") }
