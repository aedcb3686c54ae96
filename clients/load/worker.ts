// What a thread of the generator runs: one task, from the first connect to the last close. It does not
// return to its event loop in between.

import type { LoadSpec, WorkloadName } from './contract.ts'
import { Control } from './control.ts'
import { CrashDriver } from './crash.ts'
import { DatagramEchoDriver } from './datagrams.ts'
import type { Driver, Outcome, Task } from './drive.ts'
import { EchoDriver } from './echo.ts'
import { FileDriver } from './file.ts'
import { HttpDriver } from './http.ts'
import { IdleDriver } from './idle.ts'
import { LoginDriver } from './login.ts'
import { MixDriver } from './mix.ts'
import { PingDriver } from './ping.ts'
import { RoomDriver } from './room.ts'
import { SessionDriver } from './session.ts'
import { SlowDriver } from './slow.ts'
import { parseTarget } from './target.ts'
import { WaitDriver } from './wait.ts'

const DRIVERS: Readonly<Record<WorkloadName, new (task: Task) => Driver>> = {
  ping: PingDriver,
  pipeline: PingDriver,
  fairness: PingDriver,
  // Its stages are those of `ping`.
  capacity: PingDriver,
  room: RoomDriver,
  slow: SlowDriver,
  crash: CrashDriver,
  session: SessionDriver,
  echo: EchoDriver,
  mix: MixDriver,
  wait: WaitDriver,
  idle: IdleDriver,
  login: LoginDriver,
  http: HttpDriver,
  file: FileDriver,
}

/** Over datagrams there is one. */
function driverOf({ workload, address }: LoadSpec): new (task: Task) => Driver {
  return parseTarget(address).transport === 'udp' ? DatagramEchoDriver : DRIVERS[workload]
}

/** Named for piscina, which calls it with each task. */
export function drive(task: Task): Outcome {
  try {
    return new (driverOf(task.spec))(task).run()
  } catch (error) {
    // The other threads would wait for this one in vain.
    new Control(task.shared, task.spec.threads).halt()
    throw error
  }
}
