// Reads TypeScript source just far enough to know what it imports and which methods it declares. A scanner,
// not a search with regular expressions: comments, strings, templates and regular expressions in the
// source may contain anything that looks like an import, and an import may stretch over many lines.

export interface Token {
  readonly kind: 'word' | 'string' | 'sign'
  /** A string's content; a word (a `#private` name is one); one character of anything else. */
  readonly text: string
  readonly line: number
}

/** After these a `/` begins a regular expression; after anything else it divides. */
const BEFORE_REGEXP = /^(?:[(,=:[!&|?{};+\-*%<>~^]|return|typeof|case|in|of|await|yield)$/

export function tokensOf(source: string): Token[] {
  return new Scanner(source).tokens
}

class Scanner {
  readonly tokens: Token[] = []
  readonly #source: string
  #at = 0
  #line = 1

  constructor(source: string) {
    this.#source = source
    this.#scan(false)
  }

  /** Scans to the end, or (in a template) to the brace that closes `${`. */
  #scan(inTemplate: boolean): void {
    let braces = 0
    while (this.#at < this.#source.length) {
      const rest = this.#source.slice(this.#at, this.#at + 2)
      const character = rest[0] as string
      if (rest === '//') this.#skipTo('\n')
      else if (rest === '/*') this.#skipPast('*/')
      else if (/\s/.test(character)) this.#advance(1)
      else if (character === "'" || character === '"') this.#string(character)
      else if (character === '`') this.#template()
      else if (character === '/' && this.#isRegexp()) this.#regexp()
      else if (/[\w$#]/.test(character)) this.#word()
      else {
        if (inTemplate && character === '}' && braces-- === 0) return
        if (character === '{') braces++
        this.#push('sign', character)
        this.#advance(1)
      }
    }
  }

  #push(kind: Token['kind'], text: string): void {
    this.tokens.push({ kind, text, line: this.#line })
  }

  #advance(count: number): void {
    for (const character of this.#source.slice(this.#at, this.#at + count)) {
      if (character === '\n') this.#line++
    }
    this.#at += count
  }

  #skipTo(end: string): void {
    const found = this.#source.indexOf(end, this.#at)
    this.#advance((found === -1 ? this.#source.length : found) - this.#at)
  }

  #skipPast(end: string): void {
    this.#skipTo(end)
    this.#advance(end.length)
  }

  #word(): void {
    const word = /^[\w$#]+/.exec(this.#source.slice(this.#at))![0]
    this.#push('word', word)
    this.#advance(word.length)
  }

  #string(quote: string): void {
    let end = this.#at + 1
    while (end < this.#source.length && this.#source[end] !== quote) {
      end += this.#source[end] === '\\' ? 2 : 1
    }
    this.#push('string', this.#source.slice(this.#at + 1, end))
    this.#advance(end + 1 - this.#at)
  }

  /** A template is a string only if nothing is computed in it; what is computed is scanned. */
  #template(): void {
    const from = this.#at
    let isPlain = true
    this.#advance(1)
    while (this.#at < this.#source.length && this.#source[this.#at] !== '`') {
      if (this.#source.startsWith('${', this.#at)) {
        isPlain = false
        this.#advance(2)
        this.#scan(true)
        this.#advance(1)
      } else this.#advance(this.#source[this.#at] === '\\' ? 2 : 1)
    }
    this.#advance(1)
    if (isPlain) this.#push('string', this.#source.slice(from + 1, this.#at - 1))
    else this.#push('sign', '`')
  }

  #isRegexp(): boolean {
    const before = this.tokens.at(-1)
    return before === undefined || (before.kind !== 'string' && BEFORE_REGEXP.test(before.text))
  }

  #regexp(): void {
    let end = this.#at + 1
    for (let inClass = false; inClass || this.#source[end] !== '/'; end++) {
      if (end >= this.#source.length) throw new Error(`Line ${this.#line}: no end of a regexp`)
      if (this.#source[end] === '\\') end++
      else if (this.#source[end] === '[') inClass = true
      else if (this.#source[end] === ']') inClass = false
    }
    this.#push('sign', '/')
    this.#advance(end + 1 - this.#at)
  }
}

export interface Reference {
  readonly kind: 'import' | 'export' | 'dynamic import' | 'URL'
  /** What is referred to; null when it is computed, and cannot be known. */
  readonly target: string | null
  /** Erased by the compiler: nothing of it is there at run time. */
  readonly isType: boolean
  readonly line: number
}

/** Everything that a source refers to as a module, at run time or for its types. */
export function referencesOf(source: string): Reference[] {
  const tokens = tokensOf(source)
  return tokens.flatMap((token, at) => {
    if (token.kind !== 'word' || tokens[at - 1]?.text === '.') return []
    if (token.text === 'import') return importAt(tokens, at)
    if (token.text === 'export') return exportAt(tokens, at)
    return token.text === 'URL' ? urlAt(tokens, at) : []
  })
}

function importAt(tokens: readonly Token[], at: number): Reference[] {
  const { line } = tokens[at] as Token
  const next = tokens[at + 1]
  if (next?.text === '.') return [] // import.meta
  if (next?.kind === 'string') return [{ kind: 'import', target: next.text, isType: false, line }]
  if (next?.text === '(') {
    const argument = tokens[at + 2]
    const target = argument?.kind === 'string' ? argument.text : null
    return [{ kind: 'dynamic import', target, isType: false, line }]
  }
  return [{ kind: 'import', target: fromAfter(tokens, at), isType: isType(tokens, at), line }]
}

function exportAt(tokens: readonly Token[], at: number): Reference[] {
  const { line } = tokens[at] as Token
  const first = isType(tokens, at) ? at + 2 : at + 1
  if (tokens[first]?.text !== '{' && tokens[first]?.text !== '*') return []
  const end = tokens[first]?.text === '*' ? first : closing(tokens, first)
  const from = tokens.slice(end + 1, end + 4).findIndex(({ text }) => text === 'from')
  const target = from === -1 ? undefined : tokens[end + 2 + from]
  if (target?.kind !== 'string') return []
  return [{ kind: 'export', target: target.text, isType: isType(tokens, at), line }]
}

/** `new URL('./file.js', import.meta.url)`: how a worker, a child or a data file is referred to. */
function urlAt(tokens: readonly Token[], at: number): Reference[] {
  if (tokens[at - 1]?.text !== 'new' || tokens[at + 1]?.text !== '(') return []
  const argument = tokens[at + 2]
  const base = tokens.slice(at + 3, at + 9).map(({ text }) => text)
  if (argument?.kind !== 'string' || base.join('') !== ',import.meta.url') return []
  return [{ kind: 'URL', target: argument.text, isType: false, line: argument.line }]
}

function isType(tokens: readonly Token[], at: number): boolean {
  const after = tokens[at + 2]?.text
  return tokens[at + 1]?.text === 'type' && after !== 'from' && after !== ',' && after !== '='
}

function fromAfter(tokens: readonly Token[], at: number): string | null {
  for (let i = at + 1; i < tokens.length; i++) {
    if (tokens[i]?.text === 'from' && tokens[i + 1]?.kind === 'string') return tokens[i + 1]!.text
  }
  return null
}

function closing(tokens: readonly Token[], opening: number): number {
  let depth = 0
  for (let i = opening; i < tokens.length; i++) {
    if (tokens[i]?.kind !== 'sign') continue
    if (tokens[i]?.text === '{') depth++
    if (tokens[i]?.text === '}' && --depth === 0) return i
  }
  throw new Error('A brace is not closed')
}

/** The methods of all classes, in their order, without the `#` of a private name. */
export function methodsOf(source: string): string[] {
  const tokens = tokensOf(source)
  const methods: string[] = []
  for (let at = 0; at < tokens.length; at++) {
    if (tokens[at]?.text !== 'class' || tokens[at]?.kind !== 'word') continue
    let depth = 0
    for (let i = at; depth > 0 || tokens[i]?.text !== '}' || i === at; i++) {
      const { kind, text } = tokens[i] as Token
      if (kind === 'sign' && '{(['.includes(text)) depth++
      if (kind === 'sign' && '})]'.includes(text) && --depth === 0 && text === '}') break
      if (depth === 1 && kind === 'word' && isMethodAt(tokens, i))
        methods.push(text.replace('#', ''))
    }
  }
  return [...new Set(methods)]
}

/** `name(` that is no call: a call in a class body follows `=`, `new` or a dot. */
function isMethodAt(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]?.text as string
  return tokens[at + 1]?.text === '(' && !/^(?:=|new|\.|\?|:|>)$/.test(before)
}
