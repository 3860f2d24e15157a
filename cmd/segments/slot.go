package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The environment that Kubernetes gives. A Job that a CronJob made is called after it and the minutes from 1970 to the
// scheduled time; the pod learns that name through the downward API. A pod of an Indexed Job learns its index.
const (
	jobNameVariable = "SEGMENTS_JOB_NAME"
	indexVariable   = "JOB_COMPLETION_INDEX"
)

// The minutes since 1970 that are believed to be a scheduled time, the second one excluded. The 20261120 of a Job called
// backfill-20261120 is none, nor is that of any other day.
const (
	minute2020 = 26_297_280
	minute2100 = 68_374_080
)

// env returns an environment variable, or nothing where the app has no environment.
func (a *app) env(name string) string {
	if a.getenv == nil {
		return ""
	}
	return a.getenv(name)
}

// slot returns the day that a run is for when nobody names one: the day before that of the time for which Kubernetes
// scheduled the Job, however late it starts and however often it is tried again; else yesterday.
func (a *app) slot(loc *time.Location) time.Time {
	job := a.env(jobNameVariable)
	if job == "" {
		return a.yesterday(loc)
	}
	log := a.logger()
	at, ok := scheduledTime(job)
	if ok && at.After(a.now().Add(24*time.Hour)) { // clocks differ by seconds; that far ahead it is another number
		ok = false
	}
	if !ok {
		day := a.yesterday(loc)
		log.Info("the Job's name ends in no scheduled time: the day is yesterday", "job", job, "as_of", day.Format(time.DateOnly))
		return day
	}
	day := dayBefore(at, loc)
	log.Info("the day is the one before the Job's scheduled time", "job", job, "scheduled", at, "as_of", day.Format(time.DateOnly))
	return day
}

// scheduledTime returns the time for which a CronJob made the Job called job, <cronjob>-<minutes since 1970>.
func scheduledTime(job string) (time.Time, bool) {
	dash := strings.LastIndexByte(job, '-')
	if dash < 1 {
		return time.Time{}, false
	}
	suffix := job[dash+1:]
	minutes, err := strconv.ParseInt(suffix, 10, 64)
	if err != nil || strconv.FormatInt(minutes, 10) != suffix || minutes < minute2020 || minutes >= minute2100 {
		return time.Time{}, false
	}
	return time.Unix(minutes*60, 0).UTC(), true
}

// part narrows the days of a backfill to the one of an index, which the flag says or, in a pod of an Indexed Job, the
// environment. Without one they stay as they are.
func (a *app) part(first, last time.Time, flag string) (time.Time, time.Time, error) {
	from, s := "--index", flag
	if s == "" {
		from, s = indexVariable, a.env(indexVariable)
	}
	if s == "" {
		return first, last, nil
	}
	index, err := strconv.Atoi(s)
	if err != nil || index < 0 {
		return first, last, usageError{fmt.Errorf("%s: %q is no index: want 0 for the first day, 1 for the second", from, s)}
	}
	if days := int(last.Sub(first)/(24*time.Hour)) + 1; index >= days {
		return first, last, usageError{fmt.Errorf("%s: %d is after --to %s, the day of index %d: a Job wants as many completions as there are days, %d",
			from, index, last.Format(time.DateOnly), days-1, days)}
	}
	day := first.AddDate(0, 0, index)
	return day, day, nil
}
