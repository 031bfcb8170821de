"use strict";
// The page can be read without this script. It filters, sorts, saves and finds its way.
// Whatever it shows of what an attacker wrote it shows by textContent and setAttribute,
// which no text can leave.
(function () {
	const root = document.documentElement;
	root.classList.add("js");
	const byId = id => document.getElementById(id);
	const one = (selector, within) => (within || document).querySelector(selector);
	const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));
	const when = (e, type, act, how) => e.addEventListener(type, act, how);
	const clicked = (e, act) => when(e, "click", act);
	const commas = n => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
	const plural = (n, thing) => commas(n) + " " + thing + (n === 1 ? "" : "s");
	const numbers = text => text ? text.split(" ").map(Number) : [];

	function build(e, attributes, text) {
		for (const key in attributes) e.setAttribute(key, attributes[key]);
		if (text !== undefined) e.textContent = text;
		return e;
	}
	const make = (name, attributes, text) => build(document.createElement(name), attributes, text);
	const svgSpace = "http://www.w3.org/2000/svg";
	const draw = (name, attributes, text) => build(document.createElementNS(svgSpace, name), attributes, text);

	// What there is to count.

	// Without data there was too much to count by.
	if (!byId("data")) return;
	const data = JSON.parse(byId("data").textContent);
	const dayCount = data.days[1];
	const firstDay = Date.parse(data.days[0] + "T00:00:00Z") / 864e5;
	const dateOf = day => new Date((firstDay + day) * 864e5).toISOString().slice(0, 10);
	const tacticAt = new Map(data.tactics.map((t, i) => [t[0], i]));
	const letters = data.levels.map(l => l.slice(0, 1).toUpperCase());

	// decode reads keys and counts. Keys may be larger than what bit operations hold.
	function decode(text, visit) {
		const bytes = atob(text);
		let at = 0, key = 0;
		function varint() {
			let value = 0, unit = 1, byte;
			do {
				byte = bytes.charCodeAt(at++);
				value += (byte & 127) * unit;
				unit *= 128;
			} while (byte > 127);
			return value;
		}
		while (at < bytes.length) {
			key += varint();
			visit(key, varint());
		}
	}

	// split takes a key apart: what it gives is the last number first.
	function split(key, sizes) {
		return sizes.map(size => {
			const value = key % size;
			key = (key - value) / size;
			return value;
		}).concat(key);
	}

	const cells = { level: [], technique: [], day: [], sensor: [], attacker: [], tags: [] };
	decode(data.cells, (key, tags) => {
		const [level, technique, day, sensor, attacker] = split(key, [5, data.techniques.length, Math.ceil(dayCount / data.step), data.sensors.length + 1]);
		const cell = { level: level + 1, technique, day: day * data.step, sensor: sensor - 1, attacker, tags };
		for (const of in cells) cells[of].push(cell[of]);
	});
	const hours = [];
	decode(data.hours, (key, tags) => {
		const k = split(key, [5, data.tactics.length + 1, data.sensors.length + 1]);
		hours.push({ level: k[0] + 1, tactic: k[1] - 1, sensor: k[2] - 1, hour: k[3], tags });
	});

	// What is asked for: a form, and behind the # of the address, so that a view can be shared.

	const form = byId("filters");
	const fields = ["attacker", "sensor", "tactic", "technique", "level", "from", "to"];

	function fillForm() {
		const option = (select, value, text) => select.append(make("option", { value }, text));
		data.sensors.forEach((name, i) => option(form.elements.sensor, i, name.slice(0, 60) || "(no name)"));
		data.tactics.forEach(t => option(form.elements.tactic, t[0], t[1]));
		data.attackers.slice(1, 2000).forEach(a => option(byId("f-attackers"), a));
		new Map(data.techniques).forEach((_, id) => option(byId("f-techniques"), id));
		for (const field of dayCount ? ["from", "to"] : []) {
			form.elements[field].min = dateOf(0);
			form.elements[field].max = dateOf(dayCount - 1);
		}
	}

	// asked is what the form says; what is not asked for is missing.
	function asked() {
		const out = {};
		for (const field of fields) {
			const value = form.elements[field].value.trim();
			if (value && !(field === "level" && value === "0")) out[field] = value;
		}
		return out;
	}

	// named is what was asked, by name.
	function named() {
		const what = asked();
		if (what.sensor) what.sensor = data.sensors[what.sensor];
		if (what.level) what.level = data.levels[what.level];
		return what;
	}

	// filterOf is what was asked, by index, in words, and as flags of the program.
	function filterOf(what) {
		const f = { from: 0, to: dayCount - 1, axes: [], level: Number(what.level || 0), words: [], flags: [], untold: false }; // untold: no flags say it
		const day = text => Date.parse(text) / 864e5 - firstDay;
		function add(axis, words, flag, value) {
			if (!f.axes.includes(axis)) f.axes.push(axis);
			f.words.push(words);
			f.flags.push([flag, value]);
		}
		if (what.attacker) {
			const name = what.attacker.toLowerCase();
			const same = data.attackers.map(a => a.toLowerCase() === name);
			f.attackers = same.includes(true) ? same : data.attackers.map(a => a !== "" && a.toLowerCase().startsWith(name));
			f.untold = f.attackers.filter(Boolean).length > 1;
			add("attacker", "attacker " + what.attacker, "attacker", data.attackers[f.attackers.indexOf(true)] || what.attacker);
		}
		if (what.sensor) {
			f.sensor = Number(what.sensor);
			const name = data.sensors[f.sensor];
			f.untold = f.untold || !name;
			add("sensor", name ? "sensor " + name : "no name of a sensor", "sensor", name);
		}
		if (what.tactic) {
			f.tactic = tacticAt.get(what.tactic);
			f.techniques = data.techniques.map(t => t[1] === what.tactic);
			add("tactic", "tactic " + data.tactics[f.tactic][1], "tactic", what.tactic);
		}
		if (what.technique) {
			const id = what.technique.toUpperCase();
			const family = t => t[0] === id || t[0].startsWith(id + ".");
			f.techniques = data.techniques.map((t, i) => family(t) && (!f.techniques || f.techniques[i]));
			add("technique", "technique " + id, "technique", id);
		}
		if (f.level) add("level", "level " + data.levels[f.level] + (f.level < 5 ? " or higher" : ""), "min-level", data.levels[f.level]);
		if (what.from) {
			f.from = day(what.from);
			add("period", "from " + what.from, "since", what.from);
		}
		if (what.to) {
			f.to = day(what.to);
			add("period", "to " + what.to, "until", dateOf(Math.min(f.to, dayCount + 4e4) + 1));
		}
		return f;
	}

	// count counts tags under a filter.
	function count(f) {
		const sum = { tags: 0, techniques: data.techniques.map(() => 0), levels: data.techniques.map(() => 0), attackers: new Array(data.apart).fill(0), days: new Map(), hours: new Array(168).fill(0) };
		const { level, technique, day, sensor, attacker, tags } = cells;
		for (let i = 0; i < tags.length; i++) {
			if (day[i] > f.to || day[i] + data.step - 1 < f.from || level[i] < f.level ||
				f.sensor !== undefined && !data.sensorless && sensor[i] !== f.sensor || f.techniques && !f.techniques[technique[i]] ||
				f.attackers && !f.attackers[attacker[i]]) continue;
			sum.tags += tags[i];
			sum.techniques[technique[i]] += tags[i];
			sum.attackers[attacker[i]] += tags[i];
			sum.levels[technique[i]] = Math.max(sum.levels[technique[i]], level[i]);
			if (!sum.days.has(day[i])) sum.days.set(day[i], [0, 0, 0, 0, 0, 0]);
			sum.days.get(day[i])[level[i]] += tags[i];
		}
		for (const h of hours) {
			if (h.level >= f.level && (f.tactic === undefined || h.tactic === f.tactic) &&
				(f.sensor === undefined || data.hoursOfAll || h.sensor === f.sensor)) sum.hours[h.hour] += h.tags;
		}
		return sum;
	}

	// The matrix.

	const matrix = one(".matrix");
	const scaleOf = e => numbers(e.getAttribute("data-scale"));
	const heat = (scale, n) => scale.filter(from => n >= from).length;
	const squares = all(".cell[data-t]", matrix).map(e => ({
		e, of: numbers(e.dataset.t), sum: one(".count", e), mark: one(".lv", e),
		label: e.hasAttribute("aria-label") && textOf(one(".id", e)) + " " + textOf(one(".name", e)), end: e.tagName === "SUMMARY" ? ", unfolds" : ""
	}));

	function showMatrix(sum) {
		const scale = scaleOf(matrix);
		for (const s of squares) {
			const tags = s.of.reduce((n, t) => n + sum.techniques[t], 0);
			const level = Math.max(...s.of.map(t => sum.levels[t]));
			s.e.className = "cell h" + heat(scale, tags);
			s.sum.textContent = commas(tags);
			s.mark.hidden = level === 0;
			s.mark.className = "lv l" + level;
			s.mark.title = "highest level: " + data.levels[level];
			if (s.label) s.e.setAttribute("aria-label", s.label + ", " + plural(tags, "tag") + (level ? ", highest level " + data.levels[level] : "") + s.end);
		}
		for (const column of all(".tactic", matrix)) {
			const seen = all("[data-t]:not(.h0)", column), folded = seen.filter(e => e.closest("details > ol"));
			const subs = folded.filter(e => one(".id", e).textContent.includes(".")).length;
			one(".of", column).textContent = plural(seen.length - folded.length, "technique") + (subs ? ",\n" + plural(subs, "sub-technique") : "");
		}
	}

	const isShown = e => (matrix.classList.contains("all") || !e.closest(".unseen")) && !e.closest("details:not([open]) > ol");

	// Arrow keys go from cell to cell; the matrix is one stop of the tab key.
	function rove() {
		const columns = () => all(".tactic", matrix).map(c => all("[data-t]", c).filter(isShown)).filter(c => c.length);
		let current;
		function reach(e) {
			if (current) current.tabIndex = -1;
			current = e;
			e.tabIndex = 0;
		}
		squares.forEach(s => { s.e.tabIndex = -1; });
		if (squares.length) reach(squares[0].e);
		when(matrix, "focusin", event => {
			if (event.target.matches("[data-t]")) reach(event.target);
		});
		when(matrix, "keydown", event => {
			const grid = columns(), x = grid.findIndex(c => c.includes(event.target));
			if (x < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
			const y = grid[x].indexOf(event.target);
			const near = c => c && c[Math.min(y, c.length - 1)];
			const to = {
				ArrowUp: grid[x][y - 1], ArrowDown: grid[x][y + 1], ArrowLeft: near(grid[x - 1]), ArrowRight: near(grid[x + 1]),
				Home: grid[x][0], End: grid[x][grid[x].length - 1]
			};
			if (!(event.key in to)) return;
			event.preventDefault();
			if (to[event.key]) to[event.key].focus();
		});
		when(matrix, "toggle", () => {
			if (current && !isShown(current)) reach(current.closest("details").querySelector("summary"));
		}, true);
	}

	function toggles() {
		const button = (id, act) => clicked(byId(id), event => {
			const on = event.target.getAttribute("aria-pressed") !== "true";
			event.target.setAttribute("aria-pressed", on);
			act(on);
		});
		button("matrix-all", on => matrix.classList.toggle("all", on));
		button("matrix-unfold", on => all("details", matrix).forEach(d => { d.open = on; }));
	}

	// The pictures of days and hours, and the tables of their values.

	const table = name => one("table[data-table='" + name + "']");
	const valuesOf = name => table(name) ? Array.from(table(name).tBodies[0].rows, r => ({ row: r, cells: all("td", r) })) : [];
	const bars = all("#days-svg .bar").map(e => ({
		e, days: numbers(e.dataset.d), x: Number(e.dataset.x), events: one(".ev", e), title: one("title", e),
		said: /^(.*): [\d,]+ tags?, ([\d,]+ events?)/.exec(one("title", e).textContent)
	}));
	const techniques = table("techniques"), attackers = table("attackers");
	const valuesOfDays = valuesOf("days"), valuesOfHours = valuesOf("hours");
	// now marks a number that is counted anew under a filter, as most are not.
	const now = cell => cell.classList.add("now");
	valuesOfDays.forEach(v => v.cells.slice(1).forEach(now));
	const fieldsOfHours = all("#hours-svg .hour");

	// axisTop is where an axis ends that has to reach n, in four steps.
	function axisTop(n) {
		const step = Math.max(1, Math.ceil(n / 4)), ten = 10 ** (String(step).length - 1);
		const unit = ten > 1 && step < 5 * ten ? ten / 2 : ten;
		return 4 * Math.ceil(step / unit) * unit;
	}

	function showDays(sum, f) {
		const picture = byId("days-svg");
		if (!picture) return;
		const at = name => Number(picture.getAttribute("data-" + name));
		const perBar = sum.bars || bars.map(b => {
			const levels = [0, 0, 0, 0, 0, 0];
			for (let day = b.days[0]; day <= b.days[1]; day++) (sum.days.get(day) || []).forEach((n, level) => { levels[level] += n; });
			return levels;
		});
		const total = levels => levels.reduce((a, b) => a + b, 0);
		const top = axisTop(Math.max(...perBar.map(total)));
		all('[data-axis="ticks"] text', picture).forEach((e, i) => { e.textContent = commas(top * i / 4); });
		bars.forEach((b, i) => {
			all("[class^=b]", b.e).forEach(e => e.remove());
			let y = at("bottom");
			perBar[i].forEach((n, level) => {
				const height = n / top * (at("bottom") - at("top"));
				y -= height;
				if (n) b.e.insertBefore(draw("rect", { class: "b" + level, x: b.x, y, width: b.events.getAttribute("width"), height }), b.events);
			});
			const levels = perBar[i].map((n, level) => n ? ", " + commas(n) + " " + data.levels[level] : "").reverse().join("");
			b.title.textContent = b.said[1] + ": " + plural(total(perBar[i]), "tag") + ", " + b.said[2] + levels;
			b.e.classList.toggle("out", b.days[1] < f.from || b.days[0] > f.to);
			if (valuesOfDays[i]) [total(perBar[i]), ...perBar[i].slice(1).reverse()].forEach((n, k) => { valuesOfDays[i].cells[k + 1].textContent = commas(n); });
		});
	}

	function showHours({ hours }) {
		const picture = byId("hours-svg");
		if (!picture) return;
		// Steps of two digits that matter, as many as there are colours for.
		let step = Math.max(1, Math.ceil(Math.max(...hours) / 6));
		for (let unit = 1; step >= 10 * unit; unit *= 10) step = Math.ceil(step / unit) * unit;
		const scale = [0, 1, 2, 3, 4, 5].map(i => step > 1 ? i * step || 1 : i + 1);
		all("#activity span.key").forEach((e, i) => {
			const last = scale[i + 1] - 1;
			e.textContent = commas(scale[i]) + (i > 4 ? " or more" : last > scale[i] ? "–" + commas(last) : "");
		});
		const short = n => n < 1e4 ? n ? commas(n) : "" : n < 1e6 ? Math.floor(n / 1e3) + "k" : Math.floor(n / 1e6) + "M";
		const write = (row, column, n) => {
			const cell = valuesOfHours[row] && valuesOfHours[row].cells[column];
			if (cell) build(cell, { class: n ? "n now" : "n zero now" }, commas(n));
		};
		const sums = Array(31).fill(0); // of weekdays, then of hours
		fieldsOfHours.forEach((e, i) => {
			const n = hours[i], title = one("title", e), day = Math.floor(i / 24), hour = i % 24;
			e.setAttribute("class", "hour h" + heat(scale, n));
			title.textContent = title.textContent.replace(/[\d,]+ tags?$/, plural(n, "tag"));
			one("text", e).textContent = short(n);
			write(hour, day, n);
			sums[day] += n;
			sums[7 + hour] += n;
		});
		all(".sum", picture).forEach((e, i) => { e.textContent = i < 7 ? commas(sums[i]) : short(sums[i]); });
		sums.slice(7).forEach((n, hour) => write(hour, 7, n));
	}

	// Rows. Each was read once: what it knows of the axes of the filters. In a list of which
	// some rows know an axis, one that does not know it has nothing there.

	const fits = {
		period: (f, r) => r.period && r.period[0] <= f.to && r.period[1] >= f.from,
		attacker: (f, r) => r.attacker !== undefined && f.attackers[r.attacker],
		sensor: (f, r) => r.sensor && r.sensor.includes(f.sensor),
		tactic: (f, r) => r.tactic && r.tactic.some(t => f.techniques[t]),
		technique: (f, r) => fits.tactic(f, r),
		level: (f, r) => r.level >= f.level
	};

	const lists = new Map();
	for (const e of all("[data-f],[data-s],[data-t],[data-a],[data-v]", one("main"))) {
		if (e.closest(".matrix,svg")) continue;
		const owner = e.closest(".evidence") ? "evidence" : e.parentElement.closest("table,ol,ul,section");
		if (!lists.has(owner)) lists.set(owner, { rows: [], knows: {} });
		const list = lists.get(owner), d = e.dataset, row = { e };
		if (d.f !== undefined) row.period = [Number(d.f), Number(d.l)];
		if (d.a !== undefined) row.attacker = Number(d.a);
		if (d.s !== undefined) row.sensor = numbers(d.s);
		if (d.t !== undefined) row.tactic = row.technique = numbers(d.t);
		if (d.v !== undefined) row.level = Number(d.v);
		// What is said of one technique alone is shown if a tag of it matches.
		if (owner === techniques || e.matches(".tech")) row.own = row.technique[0];
		row.apart = owner === attackers && row.attacker < data.apart;
		for (const axis in fits) {
			if (row[axis] !== undefined || row.own !== undefined) list.knows[axis] = true;
		}
		list.rows.push(row);
	}

	function showRows(sum, f) {
		const ofTags = (f.techniques || f.level) && !data.left;
		for (const [owner, list] of lists) {
			const axes = f.axes.filter(axis => list.knows[axis]);
			let shown = 0;
			for (const row of list.rows) {
				const on = row.own !== undefined ? !f.axes.length || sum.techniques[row.own] > 0 :
					axes.every(axis => fits[axis](f, row)) && !(ofTags && row.apart && !sum.attackers[row.attacker]);
				if (row.e.hidden === on) row.e.hidden = !on;
				if (on) shown++;
			}
			if (list.say) saySome(list, shown, f.axes.filter(axis => !list.knows[axis]), owner);
		}
	}

	// saySome says how many rows of a table match, and what shows those that are not on the page.
	function saySome(list, shown, not, t) {
		const some = filter.axes.length > not.length, whole = one("caption code", t), out = [];
		if (some) out.push(commas(shown) + " of " + plural(list.rows.length, "row") + " match" + (shown === 1 ? "es" : ""));
		if (not.length) out.push("not filtered by " + not.join(", "));
		if (filter.axes.length && one("td.n:not(.now)", t)) out.push("numbers in grey, levels and times are of the whole report");
		list.say.textContent = out.join("; ");
		if (!some || !whole) return;
		list.say.append(". Other matches may be missing here");
		if (filter.untold || !whole.matches(".cmd") || !t.dataset.takes) return;
		list.say.append(". All of them: ", make("code", { class: "cmd" }, commandOf(whole.textContent, t.dataset.takes.split(" "))));
		copies(list.say);
	}

	// commandOf adds the filter to the command of a list, as far as the command takes it; what
	// it selects already stays if that is less.
	function commandOf(line, takes) {
		for (const [flag, value] of filter.flags) {
			if (!takes.includes(flag)) continue;
			const had = RegExp(" --" + flag + " ('(?:[^']|'\\\\'')*'|[^ ]+)").exec(line);
			if (had && (flag === "since" ? had[1] > value : flag === "until" ? had[1] < value : flag === "min-level" && data.levels.indexOf(had[1]) > filter.level)) continue;
			line = (had ? line.replace(had[0], "") : line) + " --" + flag + " " + (/^[\w./:,@+-]+$/.test(value) ? value : "'" + value.replace(/\x27/g, "'\\''") + "'");
		}
		return line + (takes.includes("csv") ? " --csv" : "");
	}

	// tagCells are the counts of tags in a table that are counted anew under a filter. Each row
	// says by an attribute what it is of.
	function tagCells(t, key, end) {
		if (!t) return [];
		const at = Array.from(t.tHead.rows[0].cells).findIndex(c => c.textContent.trim() === "Tags");
		return Array.from(t.tBodies[0].rows).filter(row => row.dataset[key] < end).map(row => {
			const cell = row.cells[at];
			now(cell);
			return { cell, of: row.dataset[key], whole: Number(cell.dataset.o) };
		});
	}
	const tagsOfTechniques = tagCells(techniques, "t", Infinity), tagsOfAttackers = tagCells(attackers, "a", data.apart);

	function showTags(list, counts) {
		const tags = list.map(c => filter.axes.length ? counts[c.of] : c.whole), most = Math.max(1, ...tags);
		list.forEach(({ cell }, i) => {
			const gauge = one("rect", cell);
			cell.firstChild.data = commas(tags[i]);
			cell.dataset.o = tags[i];
			if (gauge) gauge.setAttribute("width", Math.ceil(tags[i] / most * 56));
		});
	}

	let filter = filterOf({}), found;
	// What the page says without a filter: tags whose day is too far away are in no cell.
	const everything = count(filter);
	everything.tags = data.tags;
	everything.techniques = data.techniques.map(t => t[3]);
	everything.levels = data.techniques.map(t => t[4]);
	if (valuesOfDays.length === bars.length) everything.bars = valuesOfDays.map(v => [0].concat(v.cells.slice(2).map(c => Number(c.textContent.replace(/,/g, ""))).reverse()));

	const othersTags = cells.tags.reduce((n, tags, i) => cells.attacker[i] ? n : n + tags, 0);

	function apply() {
		filter = filterOf(asked());
		const sum = filter.axes.length ? count(filter) : everything;
		showMatrix(sum);
		showDays(sum, filter);
		showHours(sum);
		showTags(tagsOfTechniques, sum.techniques);
		showTags(tagsOfAttackers, sum.attackers);
		showRows(sum, filter);
		const words = filter.words.join(", ");
		found = filter.axes.length ? commas(sum.tags) + " of " + plural(data.tags, "tag") + " match" : "All " + plural(data.tags, "tag");
		const said = found + (words && ": " + words) + "." +
			["from", "to"].map(name => form.elements[name].validity.badInput ? " The date “" + name + "” is not complete, and not used." : "").join("");
		// What is said again is read aloud again.
		if (byId("shown").textContent !== said) byId("shown").textContent = said;
		byId("caveats").textContent = caveats();
		if (byId("hours-still")) byId("hours-still").textContent = caveatOfHours();
		byId("asked").textContent = words && "set here: " + words;
		root.classList.toggle("filtered", filter.axes.length > 0);
	}

	// caveats says what could not be filtered.
	function caveats() {
		const f = filter, out = [];
		const say = (is, text) => { if (is) out.push(text); };
		if (!f.axes.length) return "";
		if (f.attackers) {
			const found = f.attackers.filter(Boolean).length;
			const among = f.attackers.filter((on, i) => on && i >= data.apart).length;
			say(found !== 1, plural(found, "attacker") + " of those told apart here.");
			say(among, "Tags of " + commas(among) + " of them are not counted; ttpcron tags --attacker shows them.");
			say(othersTags, plural(othersTags, "tag") + " are of attackers not told apart.");
		}
		say(f.techniques && !f.techniques.includes(true), "No technique here is that one.");
		say(data.left, plural(data.left, "tag") + " of days too far away cannot be filtered.");
		say(data.sensorless && f.sensor !== undefined, "Tags are not counted by sensor: there are too many.");
		say(f.axes.includes("period") && data.step > 1, "Tags are counted by " + data.step + " days.");
		say(true, "Events are not filtered. A row of a list is shown if something of it fits each filter.");
		return out.join(" ");
	}

	// caveatOfHours says by what the hours are not filtered.
	function caveatOfHours() {
		const not = ["period", "attacker", "technique"].concat(data.hoursOfAll ? "sensor" : []).filter(axis => filter.axes.includes(axis));
		return not.length ? "Hours are not filtered by " + not.join(" or ") + "." : "";
	}

	// The way through the page. What is behind the # is an anchor, then ? and the filters.

	function fragment() {
		const [anchor, query] = location.hash.slice(1).split("?");
		return { anchor: anchor || "", query };
	}

	function readFragment() {
		const q = new URLSearchParams(fragment().query || "");
		for (const field of fields) {
			let value = q.get(field);
			if (value !== null && field === "sensor") value = data.sensors.indexOf(value);
			if (field === "level") value = data.levels.indexOf(value);
			const control = form.elements[field];
			control.value = value === null ? "" : value;
			if (control.tagName === "SELECT" && control.selectedIndex < 0) control.selectedIndex = 0;
		}
	}

	function writeFragment() {
		const query = String(new URLSearchParams(named())), to = "#" + fragment().anchor + (query && "?" + query);
		if (to !== (location.hash || "#")) history.replaceState(null, "", to);
	}

	let marked;
	function follow() {
		const target = byId(fragment().anchor);
		if (marked) marked.classList.remove("marked");
		if (!target || !target.closest("main")) return;
		for (let e = target; e; e = e.parentElement) {
			// Even if a filter hides it: somebody asked for it.
			e.hidden = false;
			if (e.tagName === "DETAILS") e.open = true;
		}
		if (target.tagName !== "SECTION") {
			marked = target;
			target.classList.add("marked");
		}
		const first = target.tagName === "DETAILS" ? one("summary", target) : target;
		if (first === target) target.tabIndex = -1;
		first.focus({ preventScroll: true });
		target.scrollIntoView({ block: "start" });
		here();
	}

	const parts = all("main > section"), ways = all("nav.sections a");

	// here marks in the navigation the section at the top of the window. At the end of the page
	// that is the one that was gone to, since none can come higher.
	function here() {
		const top = parseFloat(getComputedStyle(root).scrollPaddingTop) + 8;
		const to = byId(fragment().anchor), goal = parts.indexOf(to && to.closest("main > section"));
		let at = Math.max(0, parts.filter(e => e.getBoundingClientRect().top < top).length - 1);
		if (scrollY && scrollY + innerHeight > root.scrollHeight - 2) at = goal > at ? goal : parts.length - 1;
		ways.forEach((link, i) => {
			if (i !== at) link.removeAttribute("aria-current");
			else if (!link.hasAttribute("aria-current")) {
				link.setAttribute("aria-current", "true");
				// A link that moved away while it is pressed would not be clicked.
				const list = link.closest("ul");
				if (!list.matches(":active")) list.scrollLeft = link.offsetLeft - 40;
			}
		});
	}

	function onFragment() {
		if (fragment().query !== undefined) {
			readFragment();
			apply();
		} else {
			writeFragment();
		}
		follow();
	}

	// A link to where one is already goes there again; a bar is a period.
	function onClick(event) {
		const link = event.target.closest("a[href^='#']");
		if (link && ["#" + fragment().anchor, location.hash].includes(link.getAttribute("href"))) {
			event.preventDefault();
			follow();
		}
		const bar = event.target.closest("#days-svg .bar");
		if (bar) {
			const days = numbers(bar.dataset.d);
			form.elements.from.value = dateOf(days[0]);
			form.elements.to.value = dateOf(days[1]);
			changed();
		}
	}

	function changed() {
		apply();
		writeFragment();
	}

	let waiting;
	function listen() {
		function soon() {
			clearTimeout(waiting);
			waiting = setTimeout(changed, 150);
		}
		when(form, "input", soon);
		// A date that is half typed is no input yet.
		when(form, "keyup", event => { if (event.target.type === "date") soon(); });
		when(window, "scroll", here, { passive: true });
		when(form, "submit", event => event.preventDefault());
		// When the form is empty.
		when(form, "reset", () => setTimeout(changed, 0));
		when(window, "hashchange", onFragment);
		clicked(document, onClick);
	}

	// Tables: sorted by a click on a heading, saved as they are filtered.

	// textOf is the text of an element without what only looks good.
	function textOf(e) {
		if (e.nodeType === Node.TEXT_NODE) return e.data;
		if (e.nodeType !== Node.ELEMENT_NODE || e.matches("button.copy,[aria-hidden=true],a.out,.mark")) return "";
		return Array.from(e.childNodes, textOf).join("");
	}
	const plain = e => textOf(e).replace(/\s+/g, " ").trim();

	const collator = new Intl.Collator("en", { numeric: true });
	function sortKey(cell) {
		if (!cell) return "";
		const time = one("time", cell);
		if (time) return Date.parse(time.dateTime);
		const raw = cell.dataset.o || (cell.matches(".n") ? plain(cell).replace(/,/g, "") : "");
		return raw !== "" && Number.isFinite(Number(raw)) ? Number(raw) : plain(cell);
	}
	function compare(a, b) {
		if (typeof a === "number" && typeof b === "number") return a - b;
		if (typeof a !== typeof b) return typeof a === "number" ? 1 : -1;
		return collator.compare(a, b);
	}

	function sortable(t) {
		const body = t.tBodies[0], order = Array.from(body.rows);
		const heads = Array.from(t.tHead.rows[0].cells);
		heads.forEach((head, column) => {
			const button = make("button", { type: "button", class: "sort" });
			button.append(...head.childNodes);
			head.append(button);
			clicked(button, () => {
				const keyed = order.map((row, i) => ({ row, i, key: sortKey(row.cells[column]) }));
				// Numbers and levels begin with the highest; a third click brings back the order of the report.
				const first = keyed.some(k => typeof k.key === "number") ? "descending" : "ascending";
				const now = head.getAttribute("aria-sort");
				const next = !now ? first : now !== first ? "" : first === "ascending" ? "descending" : "ascending";
				heads.forEach(h => h.removeAttribute("aria-sort"));
				if (next) {
					head.setAttribute("aria-sort", next);
					keyed.sort((a, b) => (next === "ascending" ? 1 : -1) * compare(a.key, b.key) || a.i - b.i);
				}
				body.append(...keyed.map(k => k.row));
			});
		});
	}

	// csvCell makes a text fit for a cell, so that a spreadsheet shows it and does not run it:
	// what begins like a formula, at the start or after a semicolon, gets an apostrophe.
	function csvCell(text) {
		text = text.replace(/(^|[;\n])(?=[\n '"]*[=+\-@＝＋－＠−﹢﹣﹦﹫])/g, "$1'");
		return /[\x22,\r\n]/.test(text) ? "\x22" + text.replace(/\x22/g, "$&$&") + "\x22" : text;
	}

	// csvOf has the marks of rows in a column of their own. The head says what no filter changed.
	function csvOf(t) {
		const rows = [t.tHead.rows[0], ...t.tBodies[0].rows].filter(row => !row.hidden), marked = one("tbody .mark", t);
		const whole = filter.axes.length && rows[1] ? Array.from(rows[1].cells, cell => cell.matches(".t,.n:not(.now),[data-o]:not(.now)")) : [];
		return rows.map((row, i) => {
			const cells = Array.from(row.cells, (cell, k) => {
				const text = plain(cell) + (i || !whole[k] ? "" : " (whole report)");
				return csvCell(cell.matches(".n") && /^[\d,]+$/.test(text) ? text.replace(/,/g, "") : text);
			});
			if (marked) cells.push(i ? all(".mark", row).map(e => e.textContent).join(" ") : "Marks");
			return cells.join(",") + "\r\n";
		}).join("");
	}

	// save saves a file whose name says what it is of.
	function save(name, end, type, content) {
		const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
		const said = ["ttpcron", name].concat(Object.values(named())).join("-").replace(/[^\w.-]+/g, "-").slice(0, 120);
		const link = make("a", { href: url, download: said + end });
		document.body.append(link);
		link.click();
		link.remove();
		setTimeout(() => URL.revokeObjectURL(url), 10000);
	}

	function furnish(t) {
		const name = t.dataset.table, tools = make("div", { class: "tools" });
		const button = make("button", { type: "button", class: "csv" }, "Save as CSV");
		button.setAttribute("aria-label", "Save as CSV: " + name);
		clicked(button, () => save(name, ".csv", "text/csv;charset=utf-8", csvOf(t)));
		const say = make("span", { class: "rows" });
		tools.append(button, say);
		(t.closest(".scroll") || t).before(tools);
		if (lists.has(t)) lists.get(t).say = say;
		sortable(t);
	}

	// The matrix as a picture of its own, as it is shown: with colours of its own, on white.

	const paper = {
		heat: ["#f4f5f7", "#e1ecf7", "#bfd8ee", "#8fbfe3", "#5b9fd3", "#2468ab", "#0a2f63"],
		ink: ["#57606a", "#10243a", "#10243a", "#10243a", "#06121f", "#ffffff", "#ffffff"],
		levels: ["", "#a9b4c0", "#5b9fd3", "#e0a100", "#d1561a", "#7d1128"],
		wide: 138, gap: 4, margin: 20, top: 172
	};

	// wrap breaks a text into at most some lines of about so many characters.
	function wrap(text, width, most) {
		const lines = [""];
		for (const word of text.split(" ")) {
			const line = lines[lines.length - 1];
			if (line && line.length + word.length >= width) lines.push(word);
			else lines[lines.length - 1] = line ? line + " " + word : word;
		}
		return lines.slice(0, most).map((line, i) => i === most - 1 && lines.length > most || line.length > width ? line.slice(0, width - 1) + "…" : line);
	}

	function drawMatrix() {
		const p = paper, columns = all(".tactic", matrix).map(column => ({ column, cells: all(".cell", column).filter(isShown).map(cellOf) }));
		const svg = draw("svg", { xmlns: svgSpace, "font-family": "system-ui, 'DejaVu Sans', Arial, sans-serif", "font-size": 11 });
		const text = (x, y, content, more) => svg.append(draw("text", Object.assign({ x, y, fill: "#10243a" }, more), content));
		svg.append(draw("title", {}, "ATT&CK matrix"), draw("rect", { width: "100%", height: "100%", fill: "#ffffff" }));
		text(p.margin, 36, one("h1").textContent, { "font-size": 22, "font-weight": 700 });
		text(p.margin, 58, "ATT&CK matrix, " + plain(one(".period")) + ": " + found +
			(filter.words.length ? "; filtered: " + filter.words.join(", ") : ""), { "font-size": 13 });
		drawLegend(svg, text, 74);
		// What would make the picture much higher than its other columns goes on beside it.
		const highOf = list => list.reduce((n, c) => n + c.high + p.gap, 0);
		const most = Math.max(440, 8 * Math.sqrt(highOf(columns.flatMap(c => c.cells))));
		let x = p.margin, bottom = 0;
		for (const { column, cells } of columns) {
			const grey = { "font-size": 10, fill: "#57606a" };
			wrap(one("h3", column).firstChild.data.trim(), 17, 2).forEach((line, k) => text(x, 122 + 14 * k, line, { "font-weight": 700, "font-size": 12 }));
			one(".of", column).textContent.split("\n").forEach((line, k) => text(x, 151 + 12 * k, line, grey));
			const high = highOf(cells), share = high / Math.ceil(high / most) + 20;
			let y = p.top;
			for (const cell of cells) {
				if (y + cell.high / 2 > p.top + share) {
					x += p.wide + p.gap;
					y = p.top;
					text(x, 163, "continued", grey);
				}
				drawCell(svg, text, cell, x, y);
				y += cell.high + p.gap;
				bottom = Math.max(bottom, y);
			}
			x += p.wide + p.gap;
		}
		text(p.margin, bottom + 22, "Made by ttpcron. ATT&CK is a mark of The MITRE Corporation.", { "font-size": 10, fill: "#57606a" });
		const width = x - p.gap + p.margin, height = bottom + 36;
		build(svg, { width, height, viewBox: "0 0 " + width + " " + height });
		return { width, height, text: '<?xml version="1.0" encoding="UTF-8"?>\n' + new XMLSerializer().serializeToString(svg) + "\n" };
	}

	// cellOf is what the picture shows of a cell.
	function cellOf(e) {
		const of = name => one(name, e) ? one(name, e).textContent : "";
		const inset = e.closest("details > ol, div.unseen") || e.previousElementSibling ? 10 : 0;
		const lines = wrap(of(".name"), inset ? 18 : 20, 4), level = one(".lv", e);
		return { inset, lines, high: 22 + 13 * lines.length, id: of(".id"), count: of(".count"), heat: Number(/h(\d)/.exec(e.className)[1]), level: level ? Number(level.className.slice(-1)) : 0 };
	}

	function drawCell(svg, text, cell, x, y) {
		const p = paper, fill = p.ink[cell.heat], left = x + cell.inset;
		svg.append(draw("rect", { x: left, y, width: p.wide - cell.inset, height: cell.high, rx: 3, fill: p.heat[cell.heat] }));
		text(left + 5, y + 13, cell.id, { "font-size": 9, fill });
		text(x + p.wide - (cell.level ? 24 : 5), y + 13, cell.count, { "font-size": 10, "font-weight": 700, "text-anchor": "end", fill });
		drawLevel(svg, text, cell.level, x + p.wide - 19, y + 3);
		cell.lines.forEach((line, k) => text(left + 5, y + 27 + 13 * k, line, { fill }));
	}

	function drawLevel(svg, text, level, x, y) {
		if (!level) return;
		svg.append(draw("rect", { x, y, width: 15, height: 13, rx: 3, fill: paper.levels[level], stroke: "#ffffff" }));
		text(x + 7.5, y + 10, letters[level], { "font-size": 10, "font-weight": 700, "text-anchor": "middle", fill: level > 4 ? "#ffffff" : "#000000" });
	}

	function drawLegend(svg, text, y) {
		let x = paper.margin;
		all("#matrix .legend .key").forEach((key, i) => {
			svg.append(draw("rect", { x, y, width: 92, height: 20, rx: 3, fill: paper.heat[i + 1] }));
			text(x + 46, y + 14, key.textContent, { "text-anchor": "middle", fill: paper.ink[i + 1] });
			x += 96;
		});
		text(x + 8, y + 14, "tags; highest level:");
		x += 124;
		for (let level = 5; level; level--) {
			drawLevel(svg, text, level, x, y + 4);
			text(x + 20, y + 14, data.levels[level]);
			x += 72;
		}
	}

	function savePicture() {
		const picture = drawMatrix();
		const url = URL.createObjectURL(new Blob([picture.text], { type: "image/svg+xml" }));
		const image = new Image();
		const failed = () => { byId("shown").textContent = "This browser makes no PNG. Save the SVG."; };
		image.onerror = failed;
		image.onload = () => {
			const canvas = make("canvas", { width: 2 * picture.width, height: 2 * picture.height });
			canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
			URL.revokeObjectURL(url);
			canvas.toBlob(blob => blob ? save("matrix", ".png", "", blob) : failed(), "image/png");
		};
		image.src = url;
	}

	// Dark and light, copying, printing.

	function themes() {
		const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
		const button = byId("theme");
		const say = () => { button.textContent = isDark() ? "Light" : "Dark"; };
		clicked(button, () => {
			root.dataset.theme = isDark() ? "light" : "dark";
			say();
		});
		say();
		button.hidden = false;
	}

	// copies gives commands a button, those that are folded away when they unfold.
	function copies(within) {
		for (const code of all("code.cmd", within)) {
			if (code.nextElementSibling && code.nextElementSibling.matches(".copy") || code.closest("details:not([open])")) continue;
			const button = make("button", { type: "button", class: "copy", "aria-label": "Copy " + code.textContent }, "Copy");
			clicked(button, () => {
				const select = () => { getSelection().selectAllChildren(code); button.textContent = "Selected"; };
				if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(() => { button.textContent = "Copied"; }, select);
				else select();
			});
			code.after(button);
		}
	}

	// On paper nothing can be unfolded: sub-techniques are.
	function printing() {
		let opened = [];
		byId("print").hidden = false;
		clicked(byId("print"), () => print());
		when(window, "beforeprint", () => {
			opened = all(".matrix details:not([open]), details[data-print]:not([open])");
			opened.forEach(d => { d.open = true; });
		});
		when(window, "afterprint", () => opened.forEach(d => { d.open = false; }));
	}

	// links makes the names of attackers lead to their sessions, those that can be told apart.
	function links() {
		for (const row of all("table[data-table=attackers] tbody tr[data-a]")) {
			if (row.dataset.a >= data.apart) continue;
			const name = one("bdi", row), attacker = data.attackers[row.dataset.a];
			const link = make("a", { href: "#sessions?" + new URLSearchParams({ attacker }), title: "Filter by it, and show its sessions" });
			name.replaceWith(link);
			link.append(name);
		}
	}

	fillForm();
	links();
	all("table[data-table]").forEach(furnish);
	themes();
	copies(document);
	when(document, "toggle", event => copies(event.target), true);
	printing();
	toggles();
	rove();
	listen();
	clicked(byId("matrix-svg"), () => save("matrix", ".svg", "image/svg+xml", drawMatrix().text));
	clicked(byId("matrix-png"), savePicture);
	form.hidden = false;
	all("[data-js]").forEach(e => { e.hidden = false; });
	readFragment();
	apply();
	if (location.hash) follow();
	here();
})();
