package bigquery

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	bq "cloud.google.com/go/bigquery"

	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/bigquery/readrows"
	"segments/sql"
)

// Check looks at both data sets, makes an empty table in each, reads one of them over the Storage Read API, and removes
// them. What sources need is found by estimating queries over them.
func (d *db) Check(ctx context.Context) (err error) {
	defer func() { err = d.permit(err) }()
	ctx, end, err := d.alive(ctx)
	if err != nil {
		return err
	}
	defer end()
	dry, err := d.dryRun(ctx, sql.Query{Name: "check", Text: "SELECT 1"})
	if err != nil {
		return err
	}
	if err := d.datasets(ctx); err != nil {
		return err
	}
	name := d.prefix() + nonce() + "_check"
	for _, at := range []*bq.Table{d.outputTable(name), d.stagingTable(name)} {
		defer d.drop(at) // also where the answer got lost
		err := d.call.Create(ctx, at, &bq.TableMetadata{
			Description: "Tries whether tables may be made here; goes at once. " + name, ExpirationTime: dry.At.Add(time.Hour),
			Schema: bq.Schema{{Name: "nothing", Type: bq.BooleanFieldType}},
		})
		if err != nil {
			return err
		}
	}
	for _, err := range d.rows.Read(ctx, readrows.Table{Name: resource(d.stagingTable(name)), Rows: 0}) {
		if err != nil {
			return err
		}
	}
	return nil
}

// The roles that a run needs; docs/bigquery.md lists them with what each is for.
const (
	jobUser         = "roles/bigquery.jobUser"
	readSessionUser = "roles/bigquery.readSessionUser"
	dataViewer      = "roles/bigquery.dataViewer"
	dataEditor      = "roles/bigquery.dataEditor"
)

// inDataset finds the data set that BigQuery's message is about.
var inDataset = regexp.MustCompile(`(?:Table|Dataset|View) ([a-z0-9.:-]+?):([A-Za-z0-9_]+)\b|projects/([a-z0-9.:-]+)/datasets/([A-Za-z0-9_]+)`)

// permit adds, once, to an error of permissions which role is lacking where, and the command that grants it.
func (d *db) permit(err error) error {
	if !errors.Is(err, warehouse.ErrPermission) || strings.Contains(err.Error(), " lacks roles/") {
		return err
	}
	text := err.Error()
	on := dataset{project: d.Project}
	if m := inDataset.FindStringSubmatch(text); m != nil {
		on = dataset{m[1] + m[3], m[2] + m[4]}
	}
	var role string
	switch {
	case strings.Contains(text, "bigquery.jobs.create"), strings.Contains(text, "bigquery.jobs"):
		role = jobUser
	case strings.Contains(text, "readsessions"):
		role = readSessionUser
	case on == d.staging, on == d.output && !d.env.ReadOnly:
		role = dataEditor
	case on.name != "":
		role = dataViewer
	default:
		return err
	}
	d.mu.Lock()
	who := d.user
	d.mu.Unlock()
	switch {
	case who == "":
		who = "serviceAccount:SERVICE_ACCOUNT"
	case strings.HasSuffix(who, ".gserviceaccount.com"):
		who = "serviceAccount:" + who
	default:
		who = "user:" + who
	}
	lead := ""
	if strings.Contains(text, "perhaps it does not exist") || strings.Contains(text, "it may not exist") {
		lead = "it is not there, or " // BigQuery does not tell who may not know
	}
	if role == jobUser || role == readSessionUser {
		return fmt.Errorf("%w; %s%s lacks %s on the project %s: gcloud projects add-iam-policy-binding %s --member=%s --role=%s",
			err, lead, who, role, d.Project, d.Project, who, role)
	}
	return fmt.Errorf("%w; %s%s lacks %s on the data set %s: bq query --project_id=%s --use_legacy_sql=false 'GRANT `%s` ON SCHEMA `%s`.`%s` TO \"%s\"'",
		err, lead, who, role, on.ID(), d.Project, role, on.project, on.name, who)
}
