// Makes conversations fail on demand, in the real server: loaded before everything else by
// `NODE_OPTIONS=--import`, which reaches worker threads and child processes too. The product has no hook
// for it. A line with the magic word does it, in whatever thread or process the conversation runs.
//
//     SABOTAGE throw-when-receiving | throw | throw-in-hub | loop | exit | memory

const { IrcConversation: Conversation } = await import(process.env.HUBBUB_TEST_CONVERSATION)
const { IrcHub: Hub } = await import(process.env.HUBBUB_TEST_HUB)
const receiveLine = Hub.prototype.receive

Hub.prototype.receive = function sabotagedReceiveLine(id, line, nowMs) {
  if (line === 'SABOTAGE throw-in-hub') throw new Error('sabotaged in the hub')
  return receiveLine.call(this, id, line, nowMs)
}

const { receive, nextEffect } = Conversation.prototype

/** What each conversation has been told to do at its next step. */
const orders = new WeakMap()

Conversation.prototype.receive = function sabotagedReceive(bytes, nowMs, count = bytes.length) {
  const order = /SABOTAGE ([a-z-]+)/.exec(bytes.toString('latin1', 0, count))?.[1]
  if (order === 'throw-when-receiving') throw new Error('sabotaged while receiving')
  if (order !== undefined) orders.set(this, order)
  return receive.call(this, bytes, nowMs, count)
}

Conversation.prototype.nextEffect = function sabotagedNextEffect() {
  switch (orders.get(this)) {
    case 'throw':
      throw new Error('sabotaged')
    case 'loop':
      for (;;);
    case 'exit':
      process.exit(3)
      break
    case 'memory': {
      const kept = []
      for (;;) kept.push(Array.from({ length: 10_000 }, (_, i) => ({ i })))
    }
  }
  return nextEffect.call(this)
}
