#!/usr/bin/env node
// The command line: options in, one function call out, and nothing else.

import { Command, Option } from '@commander-js/extra-typings'
console.log(Command, Option)
