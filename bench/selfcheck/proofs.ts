// The proofs of the self-check by name. A name without a proof, or a proof without a name, does not compile.

import { ceiling } from './ceiling.ts'
import { freeze } from './freeze.ts'
import { ledgerCost } from './ledger-cost.ts'
import { littlesLawProof } from './littles-law.ts'
import { mutants } from './mutants.ts'
import { pacing } from './pacing.ts'
import { PROOF_NAMES, type Proof, type ProofName } from './proof.ts'
import { queueing } from './queueing.ts'

const BY_NAME: Readonly<Record<ProofName, Proof>> = {
  mutants,
  'littles-law': littlesLawProof,
  queueing,
  freeze,
  ceiling,
  ledger: ledgerCost,
  pacing,
}

export const PROOFS: readonly Proof[] = PROOF_NAMES.map((name) => BY_NAME[name])
