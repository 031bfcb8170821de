package page

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/report"
)

// The geometry of the picture of days, in its own units. The script redraws the bars
// according to the picture's attributes.
const (
	chartWidth  = 960
	plotLeft    = 64
	plotRight   = 952
	tagsTop     = 18
	tagsBottom  = 198
	evenTop     = 222
	evenBottom  = 272
	chartHeight = 300
	maxBars     = 130
)

// bar is some days of the picture: from the index first up to last.
type bar struct {
	label       string
	first, last int
	report.Day
}

func (b *bar) allTags() (n int) {
	for _, tags := range b.Tags {
		n += tags
	}
	return n
}

// bars adds up days until there are at most maxBars, and returns their length. Weeks begin
// on Monday; a bar at either end may be shorter.
func bars(r *report.Report) (list []*bar, unit string) {
	start := r.FirstDay()
	date := func(i int) time.Time { return start.AddDate(0, 0, i) }
	n := len(r.Days)
	switch last := date(max(n-1, 0)); {
	case n <= maxBars:
		return barsBy(r, date, "2006-01-02", func(t time.Time) int { return int(t.Unix() / 86400) }), "day"
	case n <= 7*(maxBars-1):
		// 1970 began on a Thursday.
		return barsBy(r, date, "2006-01-02", func(t time.Time) int { return int(math.Floor(float64(t.Unix()/86400+3) / 7)) }), "week"
	case months(last)-months(start) < maxBars:
		return barsBy(r, date, "2006-01", months), "month"
	default:
		step := (last.Year()-start.Year())/maxBars + 1
		unit = "year"
		if step > 1 {
			unit = strconv.Itoa(step) + " years"
		}
		return barsBy(r, date, "2006", func(t time.Time) int { return (t.Year() - start.Year()) / step }), unit
	}
}

func months(t time.Time) int { return 12*t.Year() + int(t.Month()) }

func barsBy(r *report.Report, date func(int) time.Time, label string, key func(time.Time) int) (list []*bar) {
	last := math.MinInt
	for i, day := range r.Days {
		t := date(i)
		if k := key(t); k != last {
			list = append(list, &bar{label: t.Format(label), first: i})
			last = k
		}
		b := list[len(list)-1]
		b.last, b.Events = i, b.Events+day.Events
		for level, n := range day.Tags {
			b.Tags[level] += n
		}
	}
	return list
}

// activity writes when attackers were active.
func (d *document) activity() {
	d.heading("activity", "Activity")
	if len(d.r.Days) == 0 {
		d.with("p", "There are no events.")
		return
	}
	list, unit := bars(d.r)
	d.days(list, unit)
	d.daysTable(list, unit)
	if left := (&bar{Day: d.r.DaysLeft}); d.r.DaysLeft != (report.Day{}) {
		d.el("p", class("left"))
		d.say(plural(left.Events, "event"), " and ", plural(left.allTags(), "tag"), " are of days too far away to be in this picture. No filter of the period finds them.")
		d.end()
	}
	d.hours()
}

// days writes the picture of tags and events by day.
func (d *document) days(list []*bar, unit string) {
	most, mostEvents, peak := 0, 0, list[0]
	for _, b := range list {
		if n := b.allTags(); n > most {
			most, peak = n, b
		}
		mostEvents = max(mostEvents, b.Events)
	}
	d.with("h3", "Tags and events by "+unit)
	d.el("p", class("legend"))
	d.with("span", "Tags by level:")
	for level := ttpcron.LevelCritical; level >= ttpcron.LevelInformational; level-- {
		d.text(" ")
		d.el("span")
		d.with("i", "", class(barClass[level]+" key"))
		d.text(level.String())
		d.end()
	}
	d.end()
	d.still("The filters change the tags. They do not change the events.")
	d.picture("days", "Tags and events by "+unit, chartHeight, func() {
		d.with("desc", fmt.Sprintf("%s from %s to %s. Most tags: %s in the %s of %s. The values are in the table below.",
			plural(len(list), unit), list[0].label, list[len(list)-1].label, count(most), unit, peak.label), is("id", "days-d"))
		top := niceTop(most)
		d.axis("ticks", top, tagsTop, tagsBottom)
		d.axis("", niceTop(mostEvents), evenTop, evenBottom)
		d.at("text", plotLeft, tagsTop-6, "label", "tags")
		d.at("text", plotLeft, evenTop-6, "label", "events")
		d.labels(list)
		slot := float64(plotRight-plotLeft) / float64(len(list))
		for i, b := range list {
			d.bar(b, plotLeft+slot*float64(i), slot, top, niceTop(mostEvents), unit)
		}
	}, num("data-top", tagsTop), num("data-bottom", tagsBottom), num("data-left", plotLeft), num("data-right", plotRight))
}

// picture writes a drawing with a title; inside writes its description first.
func (d *document) picture(as name, title string, height int, inside func(), attrs ...attr) {
	d.el("div", class("scroll"), num("tabindex", 0), is("role", "region"), said("aria-label", title))
	d.el("svg", append(attrs, named(as+"-svg"), class("chart"), nums("viewBox", []int{0, 0, chartWidth, height}),
		is("role", "img"), is("aria-labelledby", as+"-t "+as+"-d"))...)
	d.with("title", title, is("id", as+"-t"))
	inside()
	d.end()
	d.end()
	d.nl()
}

// axis writes lines across the plot, from 0 to top, with their values.
func (d *document) axis(as name, top, upper, lower int) {
	d.el("g", class("axis"), is("data-axis", as))
	steps := 4
	if upper == evenTop || top < steps {
		steps = 1
	}
	for i := range steps + 1 {
		y := float64(lower) - float64(lower-upper)*float64(i)/float64(steps)
		d.shape("path", across(plotLeft, plotRight, y))
		d.at("text", plotLeft-6, int(y)+4, "left", count(top*i/steps))
	}
	d.end()
}

// at writes a text into a drawing.
func (d *document) at(element name, x, y int, classes name, text string) {
	d.with(element, text, num("x", x), num("y", y), class(classes))
}

// labels writes the dates of some bars below the plot.
func (d *document) labels(list []*bar) {
	every := (len(list) + 9) / 10
	slot := float64(plotRight-plotLeft) / float64(len(list))
	for i := 0; i < len(list); i += every {
		if i > 0 && len(list)-i < (every+1)/2 {
			break // it would stand over the edge
		}
		d.at("text", int(plotLeft+slot*(float64(i)+0.5)), evenBottom+18, "mid", list[i].label)
	}
}

// barClass are the classes of bars by level.
var barClass = [6]name{"", "b1", "b2", "b3", "b4", "b5"}

// bar writes the tags of some days, the highest level on top of the others, and below them
// the events.
func (d *document) bar(b *bar, x, slot float64, top, topEvents int, unit string) {
	d.el("g", class("bar"), nums("data-d", []int{b.first, b.last}), float("data-x", x))
	d.with("title", b.title(unit))
	d.shape("rect", class("hit"), float("x", x), num("y", tagsTop), float("width", slot), num("height", evenBottom-tagsTop))
	y := float64(tagsBottom)
	wide := barWidth(slot)
	for level := ttpcron.LevelInformational; level <= ttpcron.LevelCritical; level++ {
		if b.Tags[level] == 0 {
			continue
		}
		h := float64(b.Tags[level]) / float64(top) * (tagsBottom - tagsTop)
		y -= h
		d.rect(barClass[level], x, y, wide, h)
	}
	h := float64(b.Events) / float64(topEvents) * (evenBottom - evenTop)
	d.rect("ev", x, evenBottom-h, wide, h)
	d.end()
}

func (d *document) rect(classes name, x, y, w, h float64) {
	d.shape("rect", class(classes), float("x", x), float("y", y), float("width", w), float("height", h))
}

// shape writes an element of a drawing. None of these is void: an unclosed one would
// contain what follows.
func (d *document) shape(element name, attrs ...attr) {
	d.el(element, attrs...)
	d.end()
}

func barWidth(slot float64) float64 { return min(slot*0.86, 48) }

func (b *bar) title(unit string) string {
	text := b.label
	if unit != "day" {
		text = unit + " of " + text
	}
	text += ": " + plural(b.allTags(), "tag") + ", " + plural(b.Events, "event")
	for level := ttpcron.LevelCritical; level >= ttpcron.LevelInformational; level-- {
		if n := b.Tags[level]; n > 0 {
			text += ", " + count(n) + " " + level.String()
		}
	}
	return text
}

// daysTable writes the picture's data as a table.
func (d *document) daysTable(list []*bar, unit string) {
	d.el("details")
	d.with("summary", "Values by "+unit)
	columns := []column{{title: capital(unit)}, {title: "Events", class: "n"}, {title: "Tags", class: "n"}}
	for level := ttpcron.LevelCritical; level >= ttpcron.LevelInformational; level-- {
		columns = append(columns, column{title: capital(level.String()), class: "n"})
	}
	d.table("days", "Tags and events by "+unit, func() { d.text("Tags and events by " + unit + ", UTC") }, columns, len(list), func(i int) {
		b := list[i]
		d.el("tr", num("data-f", b.first), num("data-l", b.last))
		d.with("th", b.label, is("scope", "row"))
		d.numberCell(b.Events)
		d.numberCell(b.allTags())
		for level := ttpcron.LevelCritical; level >= ttpcron.LevelInformational; level-- {
			d.numberCell(b.Tags[level])
		}
		d.end()
	})
	d.end()
}

var weekdays = [7]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

// The geometry of the picture of hours: sums are to the right of the fields, and below
// them.
const (
	hourLeft, hourTop, hourWide, hourHigh = 36, 24, 36, 28
	hourBottom                            = hourTop + 7*hourHigh
)

// hours writes tags by weekday and hour, as a picture and as a table. The script counts
// both anew under a filter, and scales the colours as evenScale does.
func (d *document) hours() {
	var tags [168]int
	most, peak := 0, 0
	for _, h := range d.r.Cube.Hours {
		tags[h.Hour] += h.Tags
		if tags[h.Hour] > most {
			most, peak = tags[h.Hour], h.Hour
		}
	}
	scale := evenScale(most)
	d.with("h3", "Tags by weekday and hour, UTC")
	d.scaleLegend(scale)
	d.with("p", "", named("hours-still"), class("still"))
	d.picture("hours", "Tags by weekday and hour, UTC", hourBottom+28, func() {
		d.with("desc", fmt.Sprintf("Most tags: %s, on %s from %02d:00. The values are in the table below.", count(most), weekdays[peak/24], peak%24), is("id", "hours-d"))
		for hour := range 24 {
			d.at("text", hourLeft+hourWide*hour+hourWide/2, hourTop-8, "mid", fmt.Sprintf("%02d", hour))
		}
		for day, name := range weekdays {
			d.at("text", hourLeft-8, hourTop+hourHigh*day+hourHigh/2+4, "left", name[:3])
		}
		for i, n := range tags {
			d.hour(i, n, scale)
		}
		d.hourSums(&tags)
	})
	d.hoursTable(&tags)
}

// hour writes a field of the picture of hours.
func (d *document) hour(i, tags int, scale scale) {
	x, y := hourLeft+hourWide*(i%24), hourTop+hourHigh*(i/24)
	d.el("g", class("hour "+scale.class(tags)), num("data-h", i))
	d.with("title", fmt.Sprintf("%s %02d:00 to %02d:59: %s", weekdays[i/24], i%24, i%24, plural(tags, "tag")))
	d.shape("rect", num("x", x), num("y", y), num("width", hourWide-2), num("height", hourHigh-2), num("rx", 3))
	d.at("text", x+hourWide/2-1, y+hourHigh/2+3, "mid", short(tags))
	d.end()
}

// hourSums writes the sums of each weekday and each hour of the day, in the script's
// order.
func (d *document) hourSums(tags *[168]int) {
	d.at("text", chartWidth-2, hourTop-8, "left", "All")
	d.at("text", hourLeft-8, hourBottom+16, "left", "All")
	for day := range 7 {
		n := 0
		for hour := range 24 {
			n += tags[24*day+hour]
		}
		d.at("text", chartWidth-2, hourTop+hourHigh*day+hourHigh/2+4, "left sum", count(n))
	}
	for hour := range 24 {
		d.at("text", hourLeft+hourWide*hour+hourWide/2-1, hourBottom+16, "mid sum", short(allDays(tags, hour)))
	}
}

// allDays counts the tags of an hour of the day.
func allDays(tags *[168]int, hour int) (n int) {
	for day := range 7 {
		n += tags[24*day+hour]
	}
	return n
}

// hoursTable writes the picture's data as a table.
func (d *document) hoursTable(tags *[168]int) {
	d.el("details")
	d.with("summary", "Values by weekday and hour")
	columns := []column{{title: "Hour"}}
	for _, name := range weekdays {
		columns = append(columns, column{title: name, class: "n"})
	}
	columns = append(columns, column{title: "All days", class: "n"})
	d.table("hours", "Tags by weekday and hour", func() { d.text("Tags by weekday and hour, UTC") }, columns, 24, func(hour int) {
		d.el("tr")
		d.with("th", fmt.Sprintf("%02d:00", hour), is("scope", "row"))
		for day := range 7 {
			d.numberCell(tags[24*day+hour])
		}
		d.numberCell(allDays(tags, hour))
		d.end()
	})
	d.end()
}

// short writes a number in at most five characters, 0 as nothing. The script does the same.
func short(n int) string {
	switch {
	case n == 0:
		return ""
	case n < 10_000:
		return count(n)
	}
	for _, of := range []string{"", "k", "M", "G"} {
		if n < 1000 {
			return strconv.Itoa(n) + of
		}
		n /= 1000
	}
	return strconv.Itoa(n) + "T"
}

// niceTop returns the end of an axis that has to reach n, in four steps. The script does
// the same.
func niceTop(n int) int {
	step, unit := max(1, (n+3)/4), 1
	for step >= 10*unit {
		unit *= 10
	}
	if unit > 1 && step < 5*unit {
		unit /= 2
	}
	return 4 * ((step + unit - 1) / unit * unit)
}
