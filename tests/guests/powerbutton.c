// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Waits for the ACPI power button on any input device and powers the guest off.

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

#define MAX_DEVICES 16

static int open_devices(struct pollfd *devices)
{
    int count = 0;

    for (int i = 0; i < MAX_DEVICES; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/dev/input/event%d", i);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            devices[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
    return count;
}

int main(void)
{
    struct pollfd devices[MAX_DEVICES];
    int count = open_devices(devices);

    if (count == 0) {
        printf("powerbutton: there is no input device\n");
        return 1;
    }
    while (poll(devices, (nfds_t)count, -1) > 0) {
        for (int i = 0; i < count; i++) {
            struct input_event event;
            if (devices[i].revents == 0
                || read(devices[i].fd, &event, sizeof(event)) != sizeof(event)) {
                continue;
            }
            if (event.type == EV_KEY && event.code == KEY_POWER && event.value == 1) {
                printf("GUEST POWER BUTTON\n");
                fflush(stdout);
                sync();
                reboot(RB_POWER_OFF);
            }
        }
    }
    return 1;
}
