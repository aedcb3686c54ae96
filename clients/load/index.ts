// clients/load: the load generator. One function drives a server and returns what it saw.

export {
  type Ledger,
  type LoadHooks,
  type LoadPhase,
  type LoadResult,
  type LoadSpec,
  type Times,
  WORKLOAD_NAMES,
  type WorkloadName,
} from './contract.ts'
export { runLoad } from './load.ts'
export { checkSpec, LoadSpecError } from './spec.ts'
export { mergeTimes } from './times.ts'
