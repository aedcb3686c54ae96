// A server for testing the benchmark: as small as an IRC server can be that the load generator accepts,
// and able to go wrong in every way that the benchmark must notice. Which way is the model's name.
//
//     node fake-server.mjs <model> --listen 127.0.0.1:0

import { createServer } from 'node:net'

const [model, , listen] = process.argv.slice(2)
const port = Number(listen.split(':')[1])

/** It behaves well for as long as the script is played, which has about 250 PINGs in it. */
const GOOD_PINGS = 300
let pings = 0
/** So many clients it serves in its life: those of three runs by four clients. */
const TIRED_CLIENTS = 12
let clients = 0

if (model === 'exits') {
  process.stderr.write('hubbub: 127.0.0.1:1 is in use\n')
  process.exit(1)
}

const members = new Set()

const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  const client = { socket, nick: '*', registered: false, input: '', number: ++clients }
  socket.setEncoding('latin1')
  socket.on('error', () => {})
  socket.on('data', (text) => {
    const lines = (client.input + text).split('\r\n')
    client.input = lines.pop()
    for (const line of lines) answer(client, line)
  })
  socket.on('end', () => socket.end())
  socket.on('close', () => members.delete(client))
})

function answer(client, line) {
  const [command, first] = line.split(' ')
  const text = line.slice(line.indexOf(':') + 1)
  if (command === 'NICK') client.nick = first
  if (command === 'USER') register(client)
  else if (command === 'JOIN') join(client, first.toLowerCase())
  else if (command === 'PING') pong(client, text)
  else if (command === 'VERSION') reply(client, '351', model === 'differs' ? 'other' : 'fake')
  else tellOthers(client, line)
  if (command === 'QUIT') client.socket.end('ERROR :Closing link: (Client quit)\r\n', 'latin1')
}

function register(client) {
  if (client.registered) return
  client.registered = true
  reply(client, '001', ':Welcome')
  reply(client, '422', ':MOTD File is missing')
}

function join(client, channel) {
  members.add(client)
  for (const { socket } of members)
    socket.write(`:${client.nick}!u@h JOIN ${channel}\r\n`, 'latin1')
  reply(client, '353', `= ${channel} :${client.nick}`)
  reply(client, '366', `${channel} :End of NAMES list`)
}

/** Whatever a member of a room does, all other members of any room hear. */
function tellOthers(client, line) {
  if (!members.has(client)) return
  const text = `:${client.nick}!u@h ${line}\r\n`
  for (const { socket } of members) if (socket !== client.socket) socket.write(text, 'latin1')
}

function pong(client, text) {
  const isLate = ++pings > GOOD_PINGS
  if (isLate && model === 'dies') {
    process.stderr.write('fake: out of luck\n')
    process.exit(3)
  }
  if (isLate && model === 'killed') process.kill(process.pid, 'SIGKILL')
  if (isLate && model === 'stops') process.kill(process.pid, 'SIGSTOP')
  if (client.number > TIRED_CLIENTS && model === 'tires') process.kill(process.pid, 'SIGSTOP')
  if (isLate && model === 'drops' && pings % 50 === 0) return
  const token = isLate && model === 'lies' && pings % 50 === 0 ? text.toUpperCase() + 'x' : text
  client.socket.write(`:hubbub.local PONG hubbub.local :${token}\r\n`, 'latin1')
}

function reply({ socket, nick }, code, rest) {
  socket.write(`:hubbub.local ${code} ${nick} ${rest}\r\n`, 'latin1')
}

process.on('SIGTERM', () => {
  if (model === 'stubborn') return
  if (model === 'clumsy') process.exit(7)
  process.exit(0)
})

server.listen(port, '127.0.0.1', () => {
  if (model === 'silent') return
  const pid = model === 'impostor' ? 1 : process.pid
  const address = `127.0.0.1:${server.address().port}`
  const line = model === 'babbles' ? 'ready!' : JSON.stringify({ model, pid, listen: address })
  process.stdout.write(line + '\n')
})
