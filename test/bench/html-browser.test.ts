// The report in a real browser: that it needs no network, that charts answer, and that nothing is missing
// without scripts.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { htmlReport } from '../../bench/reporters/html/page.ts'
import { tablesOf } from '../../bench/reporters/tables.ts'
import { pageResults } from './html-sample.ts'

const LONG_MS = 60_000
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = CHROMIUM.find((path) => existsSync(path))

const RUN = pageResults()
const DESKTOP = { width: 1200, height: 900 }
const PHONE = { width: 390, height: 844 }

/** What is seen of a cell, and of the whole page. */
const textsOf = (page: Page, selector: string) =>
  page.locator(selector).evaluateAll((cells) => cells.map(({ textContent }) => textContent?.trim()))

/** How far the page can be moved sideways. */
const overhang = (page: Page) =>
  page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth')

if (executablePath === undefined) {
  test.skip('the report in a browser: no chromium is installed (apt-get install chromium)', () => {})
} else {
  describe('the report in a browser', { timeout: LONG_MS }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'hubbub-html-'))
    const file = join(folder, 'report.html')
    let browser: Browser
    let close: (() => Promise<void>) | undefined

    beforeAll(async () => {
      writeFileSync(file, htmlReport(RUN))
      browser = await chromium.launch({
        executablePath,
        args: ['--headless', '--no-sandbox', '--disable-dev-shm-usage'],
        timeout: LONG_MS,
      })
    }, LONG_MS)

    afterEach(() => close?.())

    afterAll(async () => {
      await browser?.close()
      rmSync(folder, { recursive: true, force: true })
    }, LONG_MS)

    /** Opens it; gives back what it asked for beyond its own file, and what it complained of. */
    async function open(options: BrowserContextOptions = {}) {
      const context = await browser.newContext({ viewport: DESKTOP, ...options })
      close = () => context.close()
      context.setDefaultTimeout(LONG_MS)
      const page = await context.newPage()
      const complaints: string[] = []
      const requests: string[] = []
      page.on('console', (message) => complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('request', (request) => requests.push(request.url().slice(0, 80)))
      await page.goto(pathToFileURL(file).href)
      if (options.javaScriptEnabled !== false) {
        await page.waitForSelector('html.is-enlivened', { state: 'attached' })
        await page.waitForSelector('#overview .is-live canvas')
      }
      return { page, complaints, requests }
    }

    test('asks for nothing but itself, and complains of nothing', async () => {
      const { page, complaints, requests } = await open()
      await page.evaluate('scrollTo(0, document.body.scrollHeight)')
      await page.locator('#rates-ping-12-clients').scrollIntoViewIfNeeded()
      await page.waitForSelector('#rates-ping-12-clients .is-live canvas')
      expect(requests).toEqual([pathToFileURL(file).href.slice(0, 80)])
      expect(complaints).toEqual([])
      expect(await page.title()).toBe('Which concurrency model? hubbub, 2026-01-31')
    })

    test('charts say what is pointed at', async () => {
      const { page } = await open()
      const chart = page.locator('#rates-ping-12-clients')
      await chart.scrollIntoViewIfNeeded()
      const canvas = chart.locator('canvas').first()
      await canvas.waitFor()
      await canvas.hover({ position: { x: 300, y: 22 } })
      const tip = chart.locator('.tip')
      await tip.waitFor()
      const text = await tip.textContent()
      expect(text).toMatch(/^poll1\d\d k PINGs per second/)
      expect(text).toContain('repeats: ')
    })

    test('a name in the key puts its model away in all charts, and brings it back, by keyboard too', async () => {
      const { page } = await open()
      const button = page.locator('#overview button[data-model=cluster]')
      const pixels = () =>
        page
          .locator('#overview canvas')
          .first()
          .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL())
      const before = await pixels()
      await button.click()
      expect(await button.getAttribute('aria-pressed')).toBe('false')
      const other = page.locator('#times-ping-12-clients button[data-model=cluster]')
      expect(await other.getAttribute('aria-pressed')).toBe('false')
      await expect.poll(pixels, { timeout: LONG_MS }).not.toBe(before)
      await button.focus()
      await page.keyboard.press('Enter')
      expect(await button.getAttribute('aria-pressed')).toBe('true')
      await expect.poll(pixels, { timeout: LONG_MS }).toBe(before)
    })

    test('without scripts nothing is missing: pictures, every figure, and the data', async () => {
      const { page, complaints } = await open({ javaScriptEnabled: false })
      expect(complaints.filter((text) => !text.includes('sandboxed'))).toEqual([])
      const stills = page.locator('figure.chart svg.still')
      expect(await stills.count()).toBe(await page.locator('figure.chart').count())
      expect((await stills.first().boundingBox())!.height).toBeGreaterThan(200)
      const download = page.waitForEvent('download')
      await page.locator('#data').click()
      expect((await download).suggestedFilename()).toBe('2026-01-31T12-34-56Z.json.gz')
    })

    test('its tables have the figures of the file', async () => {
      const { page } = await open()
      const cells = tablesOf(RUN)[0]!.rows.flatMap((row) => row.cells)
      const shown = await textsOf(page, '#rates-ping-3-clients tr[class^=status-] td')
      expect(shown).toEqual(cells)
    })

    test.each(['light', 'dark'] as const)(
      'is %s where the reader’s system is',
      async (colorScheme) => {
        const { page } = await open({ colorScheme })
        const paper = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
        expect(paper).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 22, 26)')
      },
    )

    test.each([true, false])(
      'on a phone it is moved up and down only (scripts: %s)',
      async (javaScriptEnabled) => {
        const { page } = await open({ viewport: PHONE, javaScriptEnabled })
        if (javaScriptEnabled) expect(await overhang(page)).toBe(0)
        else expect((await page.locator('main').boundingBox())!.width).toBeLessThanOrEqual(390)
      },
    )

    test('can be printed, from the dark too, on white paper and with still pictures', async () => {
      const { page } = await open({ colorScheme: 'dark' })
      await page.emulateMedia({ media: 'print' })
      const paper = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
      expect(paper).toBe('rgb(255, 255, 255)')
      expect(await page.locator('#overview svg.still').isVisible()).toBe(true)
      expect(await page.locator('#overview canvas').first().isVisible()).toBe(false)
      const sizes = await page
        .locator('#overview svg.still path[fill^="var(--model"]')
        .evaluateAll((paths) => paths.map((path) => path.getBoundingClientRect().width))
      expect(sizes.length).toBeGreaterThan(20)
      for (const size of sizes) expect(size).toBeGreaterThan(5)
      const pdf = await page.pdf({ format: 'A4' })
      expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
      expect(pdf.length).toBeGreaterThan(50_000)
    })
  })
}
