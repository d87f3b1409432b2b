/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A kernel that does as little as a kernel can: says that it is there, writes to all of its memory
 * below KERNEL_MEMORY_END, and then tells now and then that it is alive. For KVM that cannot run a
 * real one (KVM_PVM emulates all that a kernel does). In the format of Linux's boot protocol
 * (Documentation/arch/x86/boot.rst), for loaders that enter in 16, 32 and 64 bit mode.
 *
 *   gcc -nostdlib -static -Wl,--build-id=none,--oformat=binary,-Ttext=0 -o tiny tiny.S
 */
#define KERNEL_MEMORY_END 0x38000000
#define KERNEL_MEMORY 0x1000000
#define LOADED_AT 0x100000
#define SETUP_SECTORS 1
#define SETUP_END ((SETUP_SECTORS + 1) * 512)
#define ALIVE_EVERY 0x40000

        .code16
        .globl _start
_start:
        .org 0x1f1
        .byte SETUP_SECTORS
        .word 0                         # root_flags
        .long (end - protected) / 16    # syssize
        .word 0, 0, 0                   # ram_size, vid_mode, root_dev
        .word 0xaa55
        .byte 0xeb, setup - 1f          # jump
1:      .ascii "HdrS"
        .word 0x020f                    # version
        .long 0                         # realmode_swtch
        .word 0, 0                      # start_sys_seg, kernel_version
        .byte 0, 1                      # type_of_loader, loadflags: LOADED_HIGH
        .word 0                         # setup_move_size
        .long LOADED_AT                 # code32_start
        .long 0, 0, 0                   # ramdisk_image, ramdisk_size, bootsect_kludge
        .word 0                         # heap_end_ptr
        .byte 0, 0                      # ext_loader_ver, ext_loader_type
        .long 0                         # cmd_line_ptr
        .long 0x7fffffff                # initrd_addr_max
        .long 0x100000                  # kernel_alignment
        .byte 0, 20                     # relocatable_kernel, min_alignment
        .word 1                         # xloadflags: XLF_KERNEL_64
        .long 2047, 0                   # cmdline_size, hardware_subarch
        .quad 0                         # hardware_subarch_data
        .long 0, 0                      # payload_offset, payload_length
        .quad 0, LOADED_AT              # setup_data, pref_address
        .long 0x10000, 0                # init_size, handover_offset

# 16 bit: into flat protected mode.
setup:
        cli
        mov %cs, %ax
        sub $0x20, %ax
        mov %ax, %ds
        movzwl %ax, %eax
        shl $4, %eax
        add %eax, gdt + 2
        lgdtl gdt
        mov %cr0, %eax
        or $1, %al
        mov %eax, %cr0
        ljmpl $8, $LOADED_AT
        .balign 8
gdt:    .word 23
        .long gdt
        .word 0
        .quad 0x00cf9b000000ffff        # 8: code
        .quad 0x00cf93000000ffff        # 16: data
        .org SETUP_END

# 32 bit, and in the same encoding 64 bit: (%edi) of the one is (%rdi) of the other.
        .code32
protected:
        mov $16, %eax
        mov %eax, %ds
        jmp work
        .org SETUP_END + 0x200
        jmp work

        .macro say text
        mov $(LOADED_AT + \text - protected), %esi
8:      lodsb
        test %al, %al
        jz 9f
        out %al, %dx
        jmp 8b
9:
        .endm

work:
        mov $0x3f8, %edx
        say ready
        mov $KERNEL_MEMORY, %edi
1:      mov %edi, (%edi)
        add $0x1000, %edi
        cmp $KERNEL_MEMORY_END, %edi
        jb 1b
2:      mov $ALIVE_EVERY, %ecx
3:      sub $1, %ecx
        jnz 3b
        say alive
        jmp 2b
ready:  .asciz "GUEST READY\n"
alive:  .asciz "alive\n"
        .balign 16
end:
