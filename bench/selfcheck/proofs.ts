// The proofs of the self-check by name. A name without a proof, or a proof without a name, does not compile.

import { mutants } from './mutants.ts'
import { PROOF_NAMES, type Proof, type ProofName } from './proof.ts'

const BY_NAME: Readonly<Record<ProofName, Proof>> = { mutants }

export const PROOFS: readonly Proof[] = PROOF_NAMES.map((name) => BY_NAME[name])
