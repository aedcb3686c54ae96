// What a connection costs in memory, in a table and in words. Pure.

import { loadName } from '../points.ts'
import type { ConnectionCost, Results } from '../schema.ts'
import { formatAmount, formatCount, scaleOfMemory, UNKNOWN } from './numbers.ts'
import type { Table } from './tables.ts'

const EXPLANATION =
  'Memory (PSS) of the server’s whole process tree while all were connected, as a line over the number of clients; ' +
  'its slope, with a 95 % interval (bootstrap). PSS does not count what the kernel holds for a connection: ' +
  'the buffers of its socket, and its entries in tables.'

/** A table for each transport over which `idle` was run with three sizes or more. */
export function costTables({ connectionCosts }: Results): Table[] {
  const transports = [...new Set(connectionCosts.map(({ transport }) => transport))]
  return transports.map((transport) =>
    tableOf(connectionCosts.filter((cost) => cost.transport === transport)),
  )
}

function tableOf(group: readonly ConnectionCost[]): Table {
  const costs = group.toSorted((a, b) => a.kibPerClient - b.kibPerClient)
  const { unit, divisor } = scaleOfMemory(
    costs.map(({ kibPerClient, high }) => high ?? kibPerClient),
  )
  const show = (kib: number | null) => (kib === null ? UNKNOWN : formatAmount(kib / divisor))
  return {
    title: `${loadName({ workload: 'idle', transport: costs[0]!.transport })} · memory of a connection`,
    explanation: EXPLANATION,
    columns: [
      { head: ['model', ''], align: 'left' },
      { head: [unit, '/connection'], align: 'right' },
      { head: ['from', unit], align: 'right' },
      { head: ['to', unit], align: 'right' },
      { head: ['clients', ''], align: 'right' },
    ],
    rows: costs.map(({ model, kibPerClient, low, high, clients }) => ({
      cells: [model, show(kibPerClient), show(low), show(high), sizes(clients)],
      status: 'valid',
      isFirst: false,
    })),
    notes: [],
    reading: costs.map(sentenceOf).join(' '),
  }
}

/** `epoll: 2.9 KiB per connection (2.8 to 3.1), over 50 to 10,050 clients.` */
function sentenceOf({ model, kibPerClient, low, high, clients }: ConnectionCost): string {
  const { unit, divisor } = scaleOfMemory([high ?? kibPerClient])
  const show = (kib: number) => formatAmount(kib / divisor)
  const interval = low === null || high === null ? '' : ` (${show(low)} to ${show(high)})`
  return `${model}: ${show(kibPerClient)} ${unit} per connection${interval}, over ${sizes(clients, ' to ')} clients.`
}

function sizes(clients: readonly number[], between = '–'): string {
  return `${formatCount(clients[0]!)}${between}${formatCount(clients.at(-1)!)}`
}
