import '@angular/compiler';
import { Component, provideZonelessChangeDetection, signal } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import type { Receipt } from 'purrwall-widget';
import { TwoCats } from './two-cats';

@Component({
  selector: 'app-root',
  imports: [TwoCats],
  template: `
    <two-cats (paid)="receipt.set($event)" />
    @if (receipt(); as receipt) {
      <p>Paid for {{ receipt.item }}</p>
    }
  `,
})
class Page {
  readonly receipt = signal<Receipt | null>(null);
}

bootstrapApplication(Page, { providers: [provideZonelessChangeDetection()] });
