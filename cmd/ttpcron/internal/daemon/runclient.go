package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/jobs"
	"github.com/ttpcron/ttpcron/scheduler"
)

// What an interrupt of a run in the daemon does.
const (
	InterruptCancel = "cancel"
	InterruptDetach = "detach"
)

// There is a run that a command asks a daemon to do.
type There struct {
	Job   *jobs.Job    // as the command would do it itself
	Store *store.Store // of the daemon
	Rules string       // fingerprint of the rules that are meant, without states
	// AttackRelease is that of Job.Names.
	AttackRelease string
	// Detach leaves the run alone when it is interrupted, instead of cancelling it.
	Detach bool
	Log    hclog.Logger
}

// Run imports the inputs here, with the rights of this process, and has the daemon
// do the rest of the run, or, when the daemon has other rules, does it here while
// it has the turn of a run.
func (t *There) Run(ctx context.Context) (jobs.Report, error) {
	client, _ := t.Store.Daemon()
	job := t.Job
	var report jobs.Report
	im := jobs.Import{Archive: t.Store.Archive, Inputs: job.Inputs, Progress: job.Progress, Done: job.FileDone, Now: job.Now}
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
	q := runAsked{Source: job.Source, SinceDays: job.SinceDays, BatchSize: job.BatchSize, Workers: job.Workers, ChangedOnly: job.ChangedOnly, Imported: job.Imported, OwnNetworks: job.OwnNetworks, Rules: t.Rules, AttackRelease: t.AttackRelease}
	if failed != nil {
		q.Failed = failed.Error()
	}
	// An interrupt waits for the id: without it the run could not be cancelled.
	id, err := calls.Run.Call(context.WithoutCancel(ctx), client, q)
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		err = unanswered
	case errors.Is(err, store.ErrOtherRules):
		report, err = t.here(ctx, client)
	case err == nil:
		report, err = t.follow(ctx, client, id)
	}
	report.Files = files
	if failed != nil && err != nil && err.Error() == failed.Error() {
		err = failed // the error itself, in place of its text
	}
	return report, err
}

// unanswered is an interrupt that the daemon has not answered in time.
var unanswered = cli.Hint(jobs.ErrInterrupted, "the daemon was asked to cancel the run and has not answered yet; ttpcron status shows what becomes of it")

// stopped says what to do when the daemon has gone.
func stopped(err error) error {
	var away *control.AbsentError
	if errors.Is(err, scheduler.ErrStopped) || errors.Is(err, store.ErrNoTurn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.As(err, &away) {
		return cli.Hint(fmt.Errorf("the daemon has stopped, and the run with it: %w", err), "what the run did is kept; run the command again to go on")
	}
	return err
}

// follow waits for a run to end. An interrupt cancels it, or only stops waiting for it.
func (t *There) follow(ctx context.Context, client *control.Client, id string) (jobs.Report, error) {
	var news runNews
	asking, told := ctx, false
	for {
		next, err := calls.RunFollow.Call(asking, client, following{id, news.Version})
		switch {
		case err == nil:
			news = next
		case asking != ctx && errors.Is(err, context.Canceled):
			return news.Report, unanswered
		case ctx.Err() == nil || asking != ctx:
			return news.Report, stopped(err)
		case t.Detach:
			return news.Report, cli.Hint(jobs.ErrInterrupted, "the run goes on in the daemon; ttpcron status shows what became of it")
		default:
			asking = context.WithoutCancel(ctx)
			if _, err := calls.RunCancel.Call(asking, client, id); errors.Is(err, context.Canceled) {
				return news.Report, unanswered
			} else if err != nil {
				return news.Report, err
			}
			continue
		}
		switch {
		case news.Done && news.Fault != nil:
			return news.Report, control.ErrorOf(news.Fault, store.ErrorOf)
		case news.Done:
			return news.Report, nil
		case !news.Waiting && news.Progress.Stage != "":
			t.Job.Progress(news.Progress)
		case news.Waiting && !told:
			told = true
			t.Log.Info("waiting for the run in progress to end")
		}
	}
}
