package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/scheduler"
)

// What an interrupt of a run in the daemon does.
const (
	interruptCancel = "cancel"
	interruptDetach = "detach"
)

// runInDaemon imports the inputs here, with the rights of this process, and has
// the daemon do the rest of the run.
func (a *app) runInDaemon(ctx context.Context, db remoteStore, job *jobs.Job, fingerprint string, o runOnceOptions) (jobs.Report, error) {
	var report jobs.Report
	im := jobs.Import{Archive: db, Inputs: job.Inputs, Progress: job.Progress, Done: job.FileDone, Now: a.now}
	if job.ChangedOnly { // a run that imports nothing
		im.Inputs = nil
	}
	files, failed := im.Run(ctx)
	var bad *jobs.InputError
	if failed != nil && !errors.As(failed, &bad) {
		return report, failed
	}
	job.Inputs, job.Failed = nil, failed
	for _, f := range files {
		job.Imported.Add(f.ImportReport)
	}
	q := runAsked{Source: job.Source, SinceDays: job.SinceDays, BatchSize: job.BatchSize, Workers: job.Workers, ChangedOnly: job.ChangedOnly, Imported: job.Imported, Rules: fingerprint}
	if failed != nil {
		q.Failed = failed.Error()
	}
	// An interrupt waits for the id, without which nobody could cancel the run.
	id, err := control.Call[runAsked, string](context.WithoutCancel(ctx), db.client, "run", q)
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		err = unanswered
	case errors.Is(err, errOtherRules):
		report, err = a.runWithOwnRules(ctx, db, job)
	case err == nil:
		report, err = a.follow(ctx, db, id, job.Progress, o.onInterrupt.value == interruptDetach)
	}
	report.Files = files
	if failed != nil && err != nil && err.Error() == failed.Error() {
		err = failed // as it was met here
	}
	return report, err
}

// unanswered is an interrupt that the daemon has not answered in time.
var unanswered = hinted{jobs.ErrInterrupted, "the daemon was asked to cancel the run and has not answered yet; ttpcron status shows what becomes of it"}

// stopped says what to do when the daemon has gone.
func stopped(err error) error {
	var away *control.AbsentError
	if errors.Is(err, scheduler.ErrStopped) || errors.Is(err, errNoTurn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.As(err, &away) {
		return hinted{fmt.Errorf("the daemon has stopped, and the run with it: %w", err), "what the run did is kept; run the command again to go on"}
	}
	return err
}

// follow waits for a run to end. An interrupt cancels it, or lets it go on
// without anybody who waits.
func (a *app) follow(ctx context.Context, db remoteStore, id string, progress func(jobs.Progress), detach bool) (jobs.Report, error) {
	var news runNews
	asking, told := ctx, false
	for {
		next, err := control.Call[following, runNews](asking, db.client, "run-follow", following{id, news.Version})
		switch {
		case err == nil:
			news = next
		case asking != ctx && errors.Is(err, context.Canceled):
			return news.report(), unanswered
		case ctx.Err() == nil || asking != ctx:
			return news.report(), stopped(err)
		case detach:
			return news.report(), hinted{jobs.ErrInterrupted, "the run goes on in the daemon; ttpcron status shows what became of it"}
		default:
			asking = context.WithoutCancel(ctx)
			if _, err := control.Call[string, none](asking, db.client, "run-cancel", id); errors.Is(err, context.Canceled) {
				return news.report(), unanswered
			} else if err != nil {
				return news.report(), err
			}
			continue
		}
		switch {
		case news.Done && news.Fault != nil:
			return news.report(), control.ErrorOf(news.Fault, errorOf)
		case news.Done:
			return news.report(), nil
		case !news.Waiting && news.Progress.Stage != "":
			progress(news.Progress)
		case news.Waiting && !told:
			told = true
			a.log.Info("waiting for the run in progress to end")
		}
	}
}
