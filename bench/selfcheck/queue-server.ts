// A queue out of the textbook: one server, first come first served, and the same service time for everybody. It is
// the null server, which takes its time for each PING. It looks at the clock all the while: a sleep would end late
// by more than a hundredth of such a time.

import { NullServer, type Peer } from './null-server.ts'

export const SERVICE_MS = 2

export class QueueServer extends NullServer {
  protected override answer(peer: Peer): void {
    const end = performance.now() + SERVICE_MS
    while (performance.now() < end);
    this.put(peer)
    // The next one is not to wait for all others who were read with it.
    this.flush(peer)
  }
}
