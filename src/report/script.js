
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const by = (id) => document.getElementById(id);
  const picture = by("trade-picture");
  const WIDTH = 960, HEIGHT = 400, LEFT = 78, RIGHT = 18, TOP = 14, BOTTOM = 30;

  // Elements are made one by one and texts are set as text: nothing of the data is ever read as markup.
  const make = (parent, name, attributes = {}, text) => {
    const svg = parent.namespaceURI === picture.namespaceURI;
    const element = svg ? document.createElementNS(picture.namespaceURI, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    parent.appendChild(element);
    return element;
  };
  const fixed = (value, digits) => value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const price = (value) => fixed(value, value >= 1000 ? 2 : value >= 10 ? 3 : value >= 0.1 ? 5 : 8);
  const money = (value) => `${fixed(value, 2)} USDT`;
  const when = (ms) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
  const share = (value) => `${fixed(value * 100, 3)} %`;

  const facts = (list, rows) => {
    list.replaceChildren();
    for (const [name, value, tone] of rows) {
      if (value === null || value === undefined) continue;
      const row = make(list, "div");
      make(row, "dt", {}, name);
      make(row, "dd", tone ? { class: tone } : {}, value);
    }
  };
  const tone = (value) => (value > 0 ? "gain" : value < 0 ? "loss" : "");

  const scales = (trade) => {
    const { from, ms, low, unit, rows } = trade.bars;
    const end = from + ms * Math.max(rows.length, 1);
    let bottom = Infinity, top = -Infinity;
    const reach = (value) => { bottom = Math.min(bottom, value); top = Math.max(top, value); };
    for (const row of rows) if (row) { reach(low + row[1] * unit); reach(low + row[2] * unit); }
    for (const [, kind, at] of trade.marks) if (kind !== "target") reach(at);
    reach(trade.entry); reach(trade.exit);
    const room = (top - bottom || 1) * 0.04;
    bottom -= room; top += room;
    return {
      bottom, top, from, end,
      x: (at) => LEFT + (Math.min(Math.max(at, from), end) - from) / (end - from) * (WIDTH - LEFT - RIGHT),
      y: (value) => TOP + (top - value) / (top - bottom) * (HEIGHT - TOP - BOTTOM),
    };
  };

  const axes = (scale) => {
    for (let line = 0; line <= 5; line += 1) {
      const value = scale.bottom + (scale.top - scale.bottom) * line / 5;
      make(picture, "line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: scale.y(value), y2: scale.y(value) });
      make(picture, "text", { class: "label", x: LEFT - 6, y: scale.y(value) + 4, "text-anchor": "end" }, price(value));
    }
    for (let line = 0; line <= 4; line += 1) {
      const at = scale.from + (scale.end - scale.from) * line / 4;
      const anchor = line === 0 ? "start" : line === 4 ? "end" : "middle";
      make(picture, "text", { class: "label", x: scale.x(at), y: HEIGHT - 9, "text-anchor": anchor }, when(at));
    }
  };

  const candles = (trade, scale) => {
    const { from, ms, low, unit, rows } = trade.bars;
    const width = Math.max((scale.x(from + ms) - scale.x(from)) * 0.7, 1);
    rows.forEach((row, place) => {
      if (!row) return;
      const [open, high, bottom, close] = row.map((steps) => low + steps * unit);
      const middle = scale.x(from + (place + 0.5) * ms);
      const tall = Math.max(Math.abs(scale.y(open) - scale.y(close)), 1);
      const group = make(picture, "g", { class: close >= open ? "up" : "down" });
      make(group, "line", { x1: middle, x2: middle, y1: scale.y(high), y2: scale.y(bottom) });
      make(group, "rect", { x: middle - width / 2, y: scale.y(Math.max(open, close)), width, height: tall });
    });
  };

  // A stop or target stands from the moment it was put until the next one or the end of the trade.
  const level = (trade, scale, kind) => {
    const points = trade.marks.filter((mark) => mark[1] === kind);
    if (kind === "target") {
      for (const value of new Set(points.map((mark) => mark[2]))) {
        if (value < scale.bottom || value > scale.top) continue;
        make(picture, "path", { class: kind, d: `M${scale.x(trade.opened)} ${scale.y(value)}H${scale.x(trade.closed)}` });
      }
      return;
    }
    let path = "";
    for (const [at, , value] of points) path += `${path ? "H" + scale.x(at) + "V" : "M" + scale.x(at) + " "}${scale.y(value)}`;
    if (path) make(picture, "path", { class: kind, d: `${path}H${scale.x(trade.closed)}` });
  };

  const fills = (trade, scale) => {
    for (const [at, kind, value, sign, qty] of trade.marks) {
      if (kind !== "entry" && kind !== "exit") continue;
      const [x, y] = [scale.x(at), scale.y(value)];
      const mark = make(picture, "path", { class: kind, d: `M${x} ${y}l-7 ${13 * sign}h14z` });
      make(mark, "title", {}, `${kind}: ${sign > 0 ? "buy" : "sell"} ${qty} at ${price(value)}, ${when(at)}`);
    }
  };

  const showTrade = (trade) => {
    facts(by("trade-facts"), [
      ["symbol", `${trade.symbol} ${trade.side}`],
      ["opened", when(trade.opened)], ["closed", `${when(trade.closed)} (${trade.reason.replace("_", " ")})`],
      ["quantity", trade.qty], ["entry", price(trade.entry)], ["exit", price(trade.exit)],
      ["leverage", `${fixed(trade.leverage, 2)}x`],
      ["gross", money(trade.gross), tone(trade.gross)], ["fees", money(trade.fees)],
      ["funding", money(trade.funding)], ["slippage", money(trade.slippage)],
      ["net", money(trade.net), tone(trade.net)], ["shown as", trade.why.join(", ")],
    ]);
    const scale = scales(trade);
    picture.replaceChildren();
    picture.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", `Candles around the trade, with entries, exits and stops`);
    const held = { class: "held", x: scale.x(trade.opened), y: TOP, height: HEIGHT - TOP - BOTTOM };
    make(picture, "rect", { ...held, width: Math.max(scale.x(trade.closed) - scale.x(trade.opened), 1) });
    axes(scale);
    candles(trade, scale);
    level(trade, scale, "target");
    level(trade, scale, "stop");
    fills(trade, scale);
    const more = by("trade-more");
    more.replaceChildren();
    const joined = trade.bars.candles > 1 ? ` Each bar joins ${trade.bars.candles} candles.` : "";
    make(more, "p", { class: "note" },
      `Blue triangles: entries, orange: exits, pointing up for bought and down for sold. Dashed: the stop as it moved; dotted: targets within the picture.${joined}`);
    if (trade.decision !== null) {
      const link = make(make(more, "p"), "button", { type: "button", id: "trade-decision" }, "show the decision that opened it");
      link.addEventListener("click", () => { decisions.show(trade.decision); by("decision").scrollIntoView(); });
    }
  };

  const showDecision = (decision) => {
    const regime = { "-2": "STRONG BEAR", "-1": "BEAR", 0: "NEUTRAL", 1: "BULL", 2: "STRONG BULL" };
    const some = (value, show) => (value === null ? null : show(value));
    facts(by("decision-facts"), [
      ["symbol", decision.symbol], ["at", decision.when], ["action", decision.action.toUpperCase()],
      ["confidence", `${fixed(decision.confidence, 1)} of 100`], ["target score T", fixed(decision.T, 4)],
      ["score S", some(decision.S, (value) => fixed(value, 4))],
      ["regime R", some(decision.R, (value) => `${regime[value] ?? ""} (${value})`)],
      ["stability V", some(decision.V, (value) => fixed(value, 4))],
      ["volatility", some(decision.volatility, share)],
      ["leverage", some(decision.leverage, (value) => `${fixed(value, 2)}x`)],
      ["notional", some(decision.notional, money)], ["stop", some(decision.stop, price)],
      ["targets", decision.targets.length ? decision.targets.map(price).join(", ") : null],
      ["expected funding", some(decision.funding, share)], ["expected slippage", some(decision.slippage, share)],
      ["branch", decision.branch], ["supervisor", decision.verdict ?? "not asked"], ["reason", decision.reason],
    ]);
    const more = by("decision-more");
    more.replaceChildren();
    if (!decision.features.length) {
      make(more, "p", { class: "note" }, "The rule names no features for this decision.");
      return;
    }
    const body = make(make(more, "div", { class: "scroll" }), "table");
    const head = make(make(body, "thead"), "tr");
    ["feature", "value", "normalised", "weight", "contribution", ""].forEach((name, place) =>
      make(head, "th", place > 0 && place < 5 ? { class: "n" } : {}, name));
    const rows = make(body, "tbody");
    const widest = Math.max(...decision.features.map((line) => Math.abs(line[4])), 1e-9);
    for (const [name, value, normalized, weight, contribution] of decision.features) {
      const row = make(rows, "tr");
      make(row, "th", {}, name);
      for (const number of [value, normalized, weight, contribution]) {
        make(row, "td", { class: "n" }, number === null ? "n/a" : fixed(number, 4));
      }
      const long = Math.abs(contribution) / widest * 50;
      const meter = make(make(row, "td", { class: `meter ${tone(contribution)}` }), "div");
      make(meter, "i", { style: `width:${long}%;left:${contribution < 0 ? 50 - long : 50}%` });
    }
  };

  const chooser = (kind, items, label, show) => {
    const [agent, choice] = [by(`${kind}-agent`), by(`${kind}-choice`)];
    const [previous, next] = [by(`${kind}-previous`), by(`${kind}-next`)];
    const used = [...new Set(items.map((item) => item.agent))];
    if (!items.length) {
      by(`${kind}-shown`).hidden = false;
      make(by(`${kind}-more`), "p", { class: "note" }, `There is no ${kind} to choose.`);
      if (kind === "trade") picture.parentElement.hidden = true;
      return { show: () => {} };
    }
    for (const index of used) make(agent, "option", { value: index }, data.agents[index]);
    const list = () => {
      choice.replaceChildren();
      items.forEach((item, place) => {
        if (item.agent === Number(agent.value)) make(choice, "option", { value: place }, label(item));
      });
    };
    const draw = () => {
      previous.disabled = choice.selectedIndex <= 0;
      next.disabled = choice.selectedIndex >= choice.options.length - 1;
      show(items[Number(choice.value)]);
    };
    const step = (by) => { choice.selectedIndex += by; draw(); };
    agent.addEventListener("change", () => { list(); draw(); });
    choice.addEventListener("change", draw);
    previous.addEventListener("click", () => step(-1));
    next.addEventListener("click", () => step(1));
    by(`${kind}-chooser`).hidden = false;
    by(`${kind}-shown`).hidden = false;
    const at = (place) => { agent.value = items[place].agent; list(); choice.value = place; draw(); };
    at(0);
    return { show: at };
  };

  const decisions = chooser("decision", data.decisions,
    (item) => `${item.when} ${item.action.toUpperCase()} ${fixed(item.confidence, 0)}`, showDecision);
  chooser("trade", data.trades,
    (item) => `#${item.number} ${when(item.opened)} ${item.side} ${fixed(item.net, 2)} (${item.why.join(", ")})`, showTrade);
})();
