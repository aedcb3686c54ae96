// clients/load: the load generator. One function drives a server and returns what it saw.

export type * from './contract.ts'
export { FILE_NAME, loginOf, TRANSPORTS, WORKLOAD_NAMES, workloadInfo } from './contract.ts'
export { fileBytes } from './file.ts'
export { runLoad } from './load.ts'
export { checkSpec, LoadSpecError, WORK_MS_MAX } from './spec.ts'
export { mergeTimes, sumOfLongestNs, timesAt } from './times.ts'
