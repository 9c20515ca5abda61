// The `binance` package for Node, as its readme says, against `swarm venue`, under V1.
//
//     npm install --no-package-lock --prefix tests/clients/binance-node
//     cargo build && node tests/clients/binance-node/venue.js [BINARY]
//
// Without the package it says so and ends with 0. Three things are set that a user of the real exchange would not set: the
// address, that the clock is not asked for first, and that streams are the family's of COIN-M: since April 2026 this client
// asks for those of USD-M at Binance's addresses `/public`, `/market` and `/private`, which AsterDEX does not have.

const { spawn } = require("child_process");
const path = require("path");

let USDMClient, WebsocketClient;
try {
  ({ USDMClient, WebsocketClient } = require("binance"));
} catch {
  console.log("SKIPPED: binance is not installed (npm install --no-package-lock --prefix tests/clients/binance-node)");
  process.exit(0);
}

const SYMBOL = "BTCUSDT";
const steps = [];

function check(name, condition, found) {
  steps.push(Boolean(condition));
  console.log((condition ? "ok     " : "FAILED ") + name + (condition ? "" : `: ${JSON.stringify(found)}`));
}

// What a call answers; one that fails is a failed step.
async function step(name, call, holds = () => true) {
  try {
    const answer = await call();
    check(name, holds(answer), answer);
    return answer;
  } catch (error) {
    check(name, false, error.body || error.message || String(error));
    return {};
  }
}

async function refused(name, call, code) {
  try {
    check(name, false, await call());
  } catch (error) {
    check(name, error.code === code, error.body || String(error));
  }
}

function start(binary) {
  const venue = spawn(binary, ["venue", "--listen", "127.0.0.1:0", "--no-limits", "--speed", "hand"]);
  return new Promise((resolve) => {
    let said = "";
    venue.stdout.on("data", (text) => {
      said += text;
      const found = said.match(/http:\/\/(\S+)/);
      if (found) resolve([venue, found[1]]);
    });
  });
}

async function marketData(client) {
  await step("time", () => client.getServerTime(), (time) => time > 1_700_000_000_000);
  await step("contracts", () => client.getExchangeInfo(), (info) => info.symbols.some((row) => row.symbol === SYMBOL));
  await step("book", () => client.getOrderBook({ symbol: SYMBOL, limit: 5 }),
    (book) => book.bids.length === 5 && Number(book.bids[0][0]) < Number(book.asks[0][0]));
  await step("trades", () => client.getRecentTrades({ symbol: SYMBOL }), (rows) => rows.length > 0);
  await step("trades of old", () => client.getHistoricalTrades({ symbol: SYMBOL }), (rows) => rows.length > 0);
  await step("aggregate trades", () => client.getAggregateTrades({ symbol: SYMBOL }), (rows) => rows.length > 0);
  const rows = await step("candles", () => client.getKlines({ symbol: SYMBOL, interval: "5m", limit: 3 }), (all) => all.length === 3);
  await step("candles from one's end", () => client.getKlines({ symbol: SYMBOL, interval: "5m", startTime: rows[0][0] + 1 }),
    (all) => all[0][0] === rows[1][0]);
  await step("candles of the index", () => client.getIndexPriceKlines({ pair: SYMBOL, interval: "1m" }), (all) => all.length > 0);
  await step("candles of the mark", () => client.getMarkPriceKlines({ symbol: SYMBOL, interval: "1m" }), (all) => all.length > 0);
  await step("mark", () => client.getMarkPrice({ symbol: SYMBOL }), (row) => Number(row.markPrice) > 0);
  await step("funding", () => client.getFundingRateHistory({ symbol: SYMBOL }), (all) => all.length > 0);
  await step("day", () => client.get24hrChangeStatistics({ symbol: SYMBOL }), (row) => Number(row.lastPrice) > 0);
  await step("best of the book", () => client.getSymbolOrderBookTicker({ symbol: SYMBOL }), (row) => Number(row.bidPrice) > 0);
}

async function orders(client, price) {
  const at = (share) => (price * share).toFixed(1);
  const order = (more) => client.submitNewOrder({ symbol: SYMBOL, quantity: "0.01", ...more });
  const isNew = (answer) => answer.status === "NEW";
  await step("leverage", () => client.setLeverage({ symbol: SYMBOL, leverage: 10 }), (answer) => answer.leverage === 10);
  await refused("margin type as it is", () => client.setMarginType({ symbol: SYMBOL, marginType: "CROSSED" }), -4046);
  await step("market", () => order({ side: "BUY", type: "MARKET", newOrderRespType: "RESULT" }), (answer) => answer.status === "FILLED");
  const resting = await step("limit", () => order({ side: "BUY", type: "LIMIT", timeInForce: "GTC", price: at(0.95) }), isNew);
  const one = { symbol: SYMBOL, orderId: resting.orderId };
  await step("asked", () => client.getOrder(one), isNew);
  await step("open", () => client.getCurrentOpenOrder(one), isNew);
  await step("cancelled", () => client.cancelOrder(one), (answer) => answer.status === "CANCELED");
  await refused("cancelled twice", () => client.cancelOrder(one), -2011);
  await step("stop", () => client.submitNewOrder({ symbol: SYMBOL, side: "SELL", type: "STOP_MARKET", stopPrice: at(0.9), closePosition: "true" }), isNew);
  await step("target", () => order({ side: "SELL", type: "TAKE_PROFIT", stopPrice: at(1.05), price: at(1.05), reduceOnly: "true" }), isNew);
  await step("trailing", () => order({ side: "SELL", type: "TRAILING_STOP_MARKET", callbackRate: 1, reduceOnly: "true" }), isNew);
  await refused("post-only that would trade", () => order({ side: "BUY", type: "LIMIT", timeInForce: "GTX", price: at(1.01) }), -5022);
  const both = await step("batch", () => client.submitMultipleOrders([0.95, 0.94].map((share) => (
    { symbol: SYMBOL, side: "BUY", type: "LIMIT", timeInForce: "GTC", quantity: "0.01", price: at(share) }))), (all) => all.every(isNew));
  await step("batch cancelled", () => client.cancelMultipleOrders({ symbol: SYMBOL, orderIdList: both.map((row) => row.orderId) }),
    (all) => all.every((row) => row.status === "CANCELED"));
  await step("countdown", () => client.setCancelOrdersOnTimeout({ symbol: SYMBOL, countdownTime: 60000 }));
  await step("all cancelled", () => client.cancelAllOpenOrders({ symbol: SYMBOL }), (answer) => answer.code === 200);
  await step("none open", () => client.getAllOpenOrders({ symbol: SYMBOL }), (all) => all.length === 0);
  await step("closed", () => order({ side: "SELL", type: "MARKET", reduceOnly: "true", newOrderRespType: "RESULT" }), (answer) => answer.status === "FILLED");
  await step("orders", () => client.getAllOrders({ symbol: SYMBOL }), (all) => all.length === 8);
}

async function account(client) {
  await step("balance", () => client.getBalance(), (rows) => Number(rows[0].balance) < 10000);
  await step("account", () => client.getAccountInformation(), (answer) => answer.canTrade === true);
  await step("positions", () => client.getPositions(), (rows) => rows.every((row) => Number(row.positionAmt) === 0));
  await step("executions", () => client.getAccountTrades({ symbol: SYMBOL }), (rows) => rows.length === 2);
  await step("income", () => client.getIncomeHistory(), (rows) => rows.some((row) => row.incomeType === "COMMISSION"));
  await step("brackets", () => client.getNotionalAndLeverageBrackets({ symbol: SYMBOL }), (rows) => rows[0].brackets.length > 0);
  await step("fees", () => client.getAccountCommissionRate({ symbol: SYMBOL }), (row) => Number(row.takerCommissionRate) > 0);
  await step("hedge mode", () => client.setPositionMode({ dualSidePosition: "true" }));
  await step("long", () => client.submitNewOrder({ symbol: SYMBOL, side: "BUY", type: "MARKET", quantity: "0.01", positionSide: "LONG" }));
  await step("long closed", () => client.submitNewOrder({ symbol: SYMBOL, side: "SELL", type: "MARKET", quantity: "0.01", positionSide: "LONG" }));
  await step("one-way again", () => client.setPositionMode({ dualSidePosition: "false" }));
}

// What streams told, by kind; resolves when every kind of `wanted` has come.
async function streams(client, address, price) {
  const { listenKey } = await client.getFuturesUserDataListenKey();
  await step("listen key kept", () => client.keepAliveFuturesUserDataListenKey());
  const told = new Set();
  const wanted = ["aggTrade", "bookTicker", "depthUpdate", "kline", "markPriceUpdate", "[markPriceUpdate]", "ORDER_TRADE_UPDATE",
    "ACCOUNT_UPDATE"];
  const socket = new WebsocketClient({ api_key: "paper-1", api_secret: "paper-1-secret", wsUrl: `ws://${address}`, beautify: true });
  socket.on("exception", (error) => check("no error of the stream", false, String(error.message || error)));
  const kind = (event) => (Array.isArray(event) ? `[${event[0].eventType}]` : event.eventType);
  const come = new Promise((resolve) => {
    socket.on("formattedMessage", (event) => {
      told.add(kind(event));
      if (wanted.every((name) => told.has(name))) resolve();
    });
  });
  const names = ["aggTrade", "bookTicker", "depth@100ms", "kline_1m", "markPrice"].map((name) => `btcusdt@${name}`);
  await socket.subscribe([...names, "!markPrice@arr", listenKey], "coinm");
  await fetch(`http://${address}/control/price`, { method: "POST", body: JSON.stringify({ symbol: SYMBOL, price: (price + 10).toFixed(1) }) });
  await client.submitNewOrder({ symbol: SYMBOL, side: "BUY", type: "MARKET", quantity: "0.01" });
  await Promise.race([come, new Promise((resolve) => setTimeout(resolve, 20000))]);
  check("streams", wanted.every((name) => told.has(name)), [...told]);
  socket.closeAll(true);
}

(async () => {
  const binary = process.argv[2] || path.join(__dirname, "../../../target/debug/swarm");
  const [venue, address] = await start(binary);
  try {
    const client = new USDMClient({
      api_key: "paper-1", api_secret: "paper-1-secret", baseUrl: `http://${address}`, disableTimeSync: true,
    });
    await marketData(client);
    const price = Number((await client.getMarkPrice({ symbol: SYMBOL })).markPrice);
    await orders(client, price);
    await account(client);
    await streams(client, address, price);
  } finally {
    venue.kill();
  }
  const failed = steps.filter((held) => !held).length;
  console.log(`${steps.length - failed} of ${steps.length} steps`);
  process.exit(failed ? 1 : 0);
})();
