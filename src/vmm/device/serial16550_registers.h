// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef CPR_VMM_DEVICE_SERIAL16550_REGISTERS_H
#define CPR_VMM_DEVICE_SERIAL16550_REGISTERS_H

#include <cstdint>

// The registers of the PC16550D (National Semiconductor data sheet, table II).
namespace cpr::vmm::serial16550 {

enum Register : uint8_t {
    kData = 0,             // RBR, THR; with DLAB the divisor's low byte
    kInterruptEnable = 1,  // with DLAB the divisor's high byte
    kInterruptId = 2,      // write: FIFO control
    kLineControl = 3,
    kModemControl = 4,
    kLineStatus = 5,
    kModemStatus = 6,
    kScratch = 7,
};

constexpr uint8_t kIerData = 0x01;
constexpr uint8_t kIerTransmitter = 0x02;
constexpr uint8_t kIerLine = 0x04;
constexpr uint8_t kIerModem = 0x08;

constexpr uint8_t kIirNone = 0x01;
constexpr uint8_t kIirModem = 0x00;
constexpr uint8_t kIirTransmitter = 0x02;
constexpr uint8_t kIirData = 0x04;
constexpr uint8_t kIirLine = 0x06;
constexpr uint8_t kIirFifos = 0xc0;

constexpr uint8_t kFcrEnable = 0x01;
constexpr uint8_t kFcrResetReceiver = 0x02;

constexpr uint8_t kLcrDivisorLatch = 0x80;

constexpr uint8_t kMcrDtr = 0x01;
constexpr uint8_t kMcrRts = 0x02;
constexpr uint8_t kMcrOut1 = 0x04;
constexpr uint8_t kMcrOut2 = 0x08;
constexpr uint8_t kMcrLoop = 0x10;

constexpr uint8_t kLsrData = 0x01;
constexpr uint8_t kLsrOverrun = 0x02;
constexpr uint8_t kLsrTransmitterEmpty = 0x60;  // holding register and shift register

constexpr uint8_t kMsrDeltas = 0x0f;
constexpr uint8_t kMsrCts = 0x10;
constexpr uint8_t kMsrDsr = 0x20;
constexpr uint8_t kMsrRi = 0x40;
constexpr uint8_t kMsrDcd = 0x80;

constexpr size_t kFifoSize = 16;

}  // namespace cpr::vmm::serial16550

#endif
